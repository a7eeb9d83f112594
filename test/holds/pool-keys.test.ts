/** Several pool keys for a provider, and a managed 429 that goes on with the next one. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Served, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { CHAT, type ChatRequest, COMPLETION, metric, openChat, rowsIn } from "./lab.ts";

const KEYS = ["pool-first-59c1", "pool-second-83ab", "pool-third-2f0e"];
const WALKS = 'ai_key_walks_total{provider="openai"}';
/** The most that is read whole, and so can be sent again. */
const REPLAYABLE_BYTES = 65_536;

const limited = (secs: number) =>
  json(429, { error: { message: `wait ${secs}` } }, { "retry-after": String(secs) });

/** A chat body of exactly that many bytes. */
function bodyOf(bytes: number): string {
  const empty = JSON.stringify({ model: "m", user: "" });
  return JSON.stringify({ model: "m", user: "x".repeat(bytes - empty.length) });
}

describe.each(RUNTIMES)("a managed 429 on $runtime", (runtime) => {
  let standIn: StandIn;
  let gateway: Served;
  beforeEach(async () => {
    standIn = await startStandIn();
    gateway = await startServed(runtime, configOver(standIn.authority, { pool_keys: { openai: KEYS } }));
  });
  afterEach(() => standIn.close());

  const ask = async (request: ChatRequest = {}) => {
    const connection = await openChat(gateway.url, request);
    const response = await connection.readResponse();
    connection.destroy();
    return response;
  };
  const keysSeen = () => standIn.requests.map((seen) => seen.header("authorization").join());
  const bearers = (count: number) => KEYS.slice(0, count).map((key) => `Bearer ${key}`);

  it("goes on with the next keys in turn, with the same request, and is one request to everyone else", async () => {
    standIn.enqueue("/v1/chat/completions", limited(7), limited(8), json(200, COMPLETION));
    const response = await ask({ body: bodyOf(5000) });
    expect(response).toMatchObject({ status: 200, clean: true });
    expect(response.json()).toEqual(COMPLETION);
    expect(keysSeen()).toEqual(bearers(3));
    const bodies = await Promise.all(standIn.requests.map(({ body }) => body));
    for (const { sha256, whole } of bodies)
      expect({ sha256, whole }).toEqual({ sha256: bodies[0]!.sha256, whole: true });
    expect(await metric(gateway.adminUrl, WALKS)).toBe(2);
    await gateway.process.seen("stdout", /\n/);
    expect(rowsIn(gateway.process.stdout())).toMatchObject([{ status: 200, outcome: "ok" }]);
  });

  it("comes to the client with its retry-after when the last key has had it too", async () => {
    standIn.enqueue("/v1/chat/completions", limited(7), limited(8), limited(9));
    const response = await ask();
    expect(response).toMatchObject({ status: 429, clean: true });
    expect(response.json()).toEqual({ error: { message: "wait 9" } });
    expect(response.header("retry-after")).toEqual(["9"]);
    expect(keysSeen()).toEqual(bearers(3));
    expect(await metric(gateway.adminUrl, WALKS)).toBe(2);
    await gateway.process.seen("stdout", /\n/);
    expect(rowsIn(gateway.process.stdout())).toMatchObject([{ status: 429, outcome: "upstream_error" }]);
  });

  it("is not waited for when its own body never ends", async () => {
    standIn.enqueue(
      "/v1/chat/completions",
      ({ response }) => void response.writeHead(429, { "content-type": "application/json" }).write("{"),
      json(200, COMPLETION),
    );
    expect((await ask()).status).toBe(200);
  });

  it("is walked with a body of 64 KiB, and relayed with one byte more, which streams", async () => {
    standIn.enqueue("/v1/chat/completions", limited(7), json(200, COMPLETION), limited(8));
    expect((await ask({ body: bodyOf(REPLAYABLE_BYTES) })).status).toBe(200);
    const response = await ask({ body: bodyOf(REPLAYABLE_BYTES + 1) });
    expect(response.status).toBe(429);
    expect(response.header("retry-after")).toEqual(["8"]);
    expect(keysSeen()).toEqual([...bearers(2), ...bearers(1)]);
    expect(await metric(gateway.adminUrl, WALKS)).toBe(1);
  });

  it("is relayed at once for a chunked body, and for a client with a key of its own", async () => {
    standIn.setDefault(limited(7));
    expect((await ask({ body: [bodyOf(100)] })).status).toBe(429);
    expect((await ask({ key: "sk-own" })).status).toBe(429);
    expect(keysSeen()).toEqual([`Bearer ${KEYS[0]}`, "Bearer sk-own"]);
    expect(await metric(gateway.adminUrl, WALKS)).toBe(0);
  });

  it("is the only status that walks", async () => {
    standIn.enqueue("/v1/chat/completions", json(401, {}), json(500, {}), json(503, {}));
    const statuses = [await ask(), await ask(), await ask()].map(({ status }) => status);
    expect(statuses).toEqual([401, 500, 503]);
    expect(new Set(keysSeen())).toEqual(new Set(bearers(1)));
  });

  it("names no key in anything that is written, an echo of the provider's included", async () => {
    standIn.setDefault(async (exchange) => {
      const key = exchange.seen.header("authorization").join();
      await json(429, { error: "no" }, { "x-your-key": key, "retry-after": "1" })(exchange);
    });
    const response = await ask({ target: `${CHAT}?a=1` });
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const page = await (await fetch(gateway.adminUrl)).text();
    gateway.process.child.kill("SIGTERM");
    const { stdout, stderr } = await gateway.process.ended;
    const output = [JSON.stringify(response.headers), response.text(), metrics, page, stdout, stderr].join(
      "\n",
    );
    expect(rowsIn(stdout)).toHaveLength(1);
    for (const key of KEYS) expect(output).not.toContain(key);
  });
});
