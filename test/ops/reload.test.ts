/** SIGHUP as an operator sends it: to a real process, with requests under way. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generateKeyPair } from "../../adapters/server/cli/keygen.ts";
import { mintVirtualKey } from "../../src/keys/virtual-key.ts";
import { gated, json } from "../support/answers.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { ask, configOver, NODE_WORKERS, RUNTIMES, startServed } from "./served.ts";

const RELOADED = /"message":"config reloaded"/;
const EVENT =
  'data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
const LAST = "data: [DONE]\n\n";

let provider: StandIn;
beforeAll(async () => {
  provider = await startStandIn();
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

async function newSigner() {
  const { public_key, secret_key } = await generateKeyPair(9);
  const secretKey = new Uint8Array(Buffer.from(secret_key, "base64url"));
  const key = await mintVirtualKey({ secretKey, kid: 9, tenantId: "5", vpcId: "1", keyId: "1" });
  return { publicKey: public_key, key };
}

describe.each([...RUNTIMES, NODE_WORKERS])("a reload on $runtime", (runtime) => {
  it("takes up keys, pool keys and providers, and drops no request", async () => {
    const gateway = await startServed(runtime, configOver(provider.authority));
    const stream = gated({ "content-type": "text/event-stream" });
    provider.enqueue("/v1/chat/completions", stream.answer);
    const asking = ask(gateway.url, { body: { stream: true } });
    await stream.release(EVENT);
    // Bun sends the head with the first chunk.
    const streaming = await asking;
    const { publicKey, key } = await newSigner();

    const line = await gateway.reload(
      configOver(provider.authority, {
        signing_keys: { 9: publicKey },
        pool_keys: { openai: "sk-pool-2", "my-llm": "sk-mine" },
        provider_authorities: { openai: provider.authority, "my-llm": provider.authority },
        rate_limit_rps: 50,
      }),
      RELOADED,
    );
    expect(JSON.parse(line).changed.toSorted()).toEqual([
      "pool_keys",
      "provider_authorities",
      "rate_limit_rps",
      "signing_keys",
    ]);

    // Verified and remembered a moment ago; its signing key is trusted no more.
    expect((await ask(gateway.url)).status).toBe(401);
    expect((await ask(gateway.url, { key })).status).toBe(200);
    expect((await ask(gateway.url, { key, path: "/my-llm/v1/chat/completions" })).status).toBe(200);
    expect(provider.requests.map((seen) => seen.header("authorization")[0])).toEqual([
      "Bearer sk-pool-1",
      "Bearer sk-pool-2",
      "Bearer sk-mine",
    ]);
    await stream.release(LAST);
    stream.end();
    expect(await streaming.text()).toBe(EVENT + LAST);
    gateway.process.child.kill("SIGTERM");
    const { code, stdout } = await gateway.process.ended;
    expect(code).toBe(0);
    expect(stdout.match(/"outcome":"ok"/g)).toHaveLength(3);
  });

  it("keeps the old config when the new one is bad, and says why in one line without the value", async () => {
    const gateway = await startServed(runtime, configOver(provider.authority));
    for (const [bad, why] of [
      ["pool_keys = { openai = 'sk-secret' ", /no TOML: line 1/],
      ["pool_keyz = { openai = 'sk-secret' }", /unknown key .*pool_keyz.*did you mean .*pool_keys/],
      [configOver(provider.authority, { pool_keys: { openai: "sk secret" } }), /pool_keys\.openai/],
      [configOver(provider.authority, { signing_keys: { 1: "c2Vj" } }), /signing_keys: key 1 has 3 bytes/],
    ] as const) {
      const line = await gateway.reload(bad, why);
      expect(JSON.parse(line)).toMatchObject({
        level: "error",
        message: expect.stringMatching(/^the config was not reloaded, the old one stays: /),
      });
      expect(line).not.toContain("secret");
    }
    expect((await ask(gateway.url)).status).toBe(200);
    expect(provider.requests[0]?.header("authorization")).toEqual(["Bearer sk-pool-1"]);
  });

  it("names the keys that wait for the next start, and takes up the others", async () => {
    const gateway = await startServed(runtime, configOver(provider.authority));
    const next = configOver(provider.authority, {
      listen: "127.0.0.1:1",
      nats_url: "ws://127.0.0.1:1",
      workers: 3,
      pool_keys: { openai: "sk-pool-2" },
    });
    expect(JSON.parse(await gateway.reload(next, RELOADED)).changed).toEqual(["pool_keys"]);
    const warnings = gateway.process.stderr().match(/"level":"warn","message":"[^"]*next start"/g);
    expect(warnings?.map((text) => /"message":"(\w+)/.exec(text)?.[1])).toEqual([
      "listen",
      "nats_url",
      "workers",
    ]);
    expect((await ask(gateway.url)).status).toBe(200);
    // Still true at the next reload, since the running gateway has not taken them up.
    await gateway.reload(next, RELOADED);
    expect(gateway.process.stderr().match(/listen has changed/g)).toHaveLength(2);
  });
});

describe("connections to providers on Node", () => {
  const [node] = RUNTIMES;

  /** An answer that notes the connection it came over. */
  const noting = (sockets: Socket[]) =>
    provider.setDefault((exchange) => {
      sockets.push(exchange.socket);
      return json(200, {})(exchange);
    });

  it("stay when a reload does not concern them", async () => {
    const sockets: Socket[] = [];
    noting(sockets);
    const gateway = await startServed(node, configOver(provider.authority));
    await (await ask(gateway.url)).text();
    await gateway.reload(configOver(provider.authority, { pool_keys: { openai: "sk-pool-2" } }), RELOADED);
    await (await ask(gateway.url)).text();
    expect(sockets[1]).toBe(sockets[0]);
  });

  it("close after a time-out that a reload has made shorter, and not before what runs on them has ended", async () => {
    const sockets: Socket[] = [];
    noting(sockets);
    const gateway = await startServed(node, configOver(provider.authority));
    const stream = gated({ "content-type": "text/event-stream" });
    provider.enqueue("/v1/chat/completions", stream.answer);
    const streaming = await ask(gateway.url, { body: { stream: true } });
    await (await ask(gateway.url)).text();
    await gateway.reload(configOver(provider.authority, { idle_timeout_secs: 1 }), RELOADED);
    if (!sockets[0]!.destroyed) await once(sockets[0]!, "close");
    expect(provider.openSockets()).toBe(1);
    await stream.release(EVENT + LAST);
    stream.end();
    expect(await streaming.text()).toBe(EVENT + LAST);
    await until(() => provider.openSockets() === 0);
  });
});
