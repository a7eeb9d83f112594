/** What an embedder hands in and gets back: options, ports and rows, with nothing shared between two gateways. */
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  createGateway,
  formatRow,
  type GatewayOptions,
  type UsageRow,
} from "../../src/index.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { mint } from "../support/mint.ts";
import { fakeUpstream } from "./fake-upstream.ts";

const TARGET = "http://gateway.example/openai/v1/chat/completions";
const ANSWER = {
  model: "gpt-5-mini-2026",
  usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
};

function ask(
  gateway: ReturnType<typeof createGateway>,
  key: string,
  body: unknown = { model: "gpt-5-mini" },
) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return gateway.request(TARGET, { method: "POST", headers, body: JSON.stringify(body) });
}

function managed(options: GatewayOptions = {}) {
  const rows: UsageRow[] = [];
  const answer = JSON.stringify(ANSWER);
  const upstream = fakeUpstream(() => ({
    status: 200,
    statusText: "OK",
    headers: ["content-type", "application/json", "content-length", String(answer.length)],
    body: new Response(answer).body,
  }));
  const gateway = createGateway({
    signingKeys: readKeyVectors().signing_keys,
    poolKeys: { openai: "pool-key-one" },
    upstream,
    onUsage: (row) => void rows.push(row),
    ...options,
  });
  return { gateway, upstream, rows };
}

const headerOf = (headers: readonly string[], name: string): string | undefined => {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
};

describe("an embedded gateway", () => {
  it("hands each row to onUsage, which formatRow writes with exact ids", async () => {
    const { gateway, upstream, rows } = managed();
    const response = await ask(
      gateway,
      mint({ tenantId: "18446744073709551615", vpcId: "9007199254740993" }),
    );
    expect(await response.json()).toEqual(ANSWER);
    expect(headerOf(upstream.requests[0]!.headers, "authorization")).toBe("Bearer pool-key-one");
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      tenant_id: "18446744073709551615",
      vpc_id: "9007199254740993",
      requested_model: "gpt-5-mini",
      model: "gpt-5-mini-2026",
      outcome: "ok",
      usage_source: "reported",
      input_tokens: 7,
      output_tokens: 2,
    });
    expect(formatRow(rows[0]!)).toContain('"tenant_id":18446744073709551615,"vpc_id":9007199254740993,');
  });

  it("asks the deny port, whether it answers at once or later", async () => {
    for (const answer of ["spend" as const, Promise.resolve("spend" as const)]) {
      const asked: unknown[] = [];
      const { gateway, upstream, rows } = managed({
        deny: {
          lookup: (...ids) => {
            asked.push(ids);
            return answer;
          },
        },
      });
      expect((await ask(gateway, mint({ tenantId: "42", keyId: "7" }))).status).toBe(402);
      expect(asked).toEqual([["42", "7"]]);
      expect([upstream.requests, rows]).toEqual([[], []]);
    }
  });

  it("takes its time from the clock port", async () => {
    const { gateway, rows } = managed({
      clock: { now: () => Date.UTC(2030, 0, 2, 3, 4, 5, 6), monotonic: () => 1000 },
    });
    await (await ask(gateway, mint({ tenantId: "42" }))).text();
    expect(rows[0]).toMatchObject({ timestamp: "2030-01-02T03:04:05.006Z", latency_ms: 0, ttft_ms: 0 });
  });

  it("counts a sink that fails and serves on", async () => {
    for (const onUsage of [
      () => {
        throw new Error("full");
      },
      () => Promise.reject(new Error("full")),
    ]) {
      const { gateway } = managed({ onUsage });
      const response = await ask(gateway, mint({ tenantId: "42" }));
      expect(await response.json()).toEqual(ANSWER);
      await Promise.resolve();
      expect(gateway.metrics()).toMatch(/^ai_usage_write_errors_total 1$/m);
    }
  });

  it("shares nothing between two gateways of one process", async () => {
    const one = managed({ rateLimitRps: 1 });
    const other = managed({ signingKeys: {}, poolKeys: {} });
    const key = mint({ tenantId: "42" });
    expect((await ask(one.gateway, key)).status).toBe(200);
    expect((await ask(other.gateway, key)).status).toBe(401);
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await ask(one.gateway, key)).status),
    );
    expect(statuses).toContain(429);
    expect((await ask(other.gateway, "sk-own")).status).toBe(200);
    expect([one.rows.length > 0, other.rows]).toEqual([true, []]);
    expect(other.gateway.metrics()).toMatch(/^ai_requests_total 2$/m);
  });

  it("names the option that is wrong", () => {
    expect(() => createGateway({ rateLimitRps: -1 })).toThrow(ConfigError);
    expect(() => createGateway({ rateLimitRps: -1 })).toThrow(/rateLimitRps/);
    const misspelt = { rateLimitRp: 1, rateLimitRps: 1 };
    expect(() => createGateway(misspelt)).toThrow(/rateLimitRp.*rateLimitRps/);
  });

  it.each<[object, RegExp]>([
    [{ natsUrl: "ws://nats:8080" }, /natsUrl .*pass `deny`/],
    [{ snapshotPath: "deny.jsonl" }, /snapshotPath .*pass `deny`/],
    [{ upstreamHttp2: true }, /upstreamHttp2 .*pass `upstream`/],
    [{ adminToken: "t", workers: 2 }, /adminToken/],
  ])("refuses what only a server of ours reads, and says what to do: %j", (options, message) => {
    expect(() => createGateway(options)).toThrow(ConfigError);
    expect(() => createGateway(options)).toThrow(message);
    const unset = Object.fromEntries(Object.keys(options).map((name) => [name, undefined]));
    expect(() => createGateway(unset)).not.toThrow();
  });

  it("serves the admin paths of the servers as any other path: not at all", async () => {
    const { gateway } = managed();
    for (const path of ["/livez", "/readyz", "/metrics", "/"]) {
      expect((await gateway.request(`http://gateway.example${path}`)).status).toBe(404);
    }
  });

  it("keeps a fault of a port from its client, who gets a 500 that says nothing of it", async () => {
    const lines: unknown[] = [];
    const { gateway } = managed({
      verify: () => {
        throw new Error("the secret of the vault");
      },
      log: (...line) => lines.push(line),
    });
    const response = await ask(gateway, mint({ tenantId: "42" }));
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: { code: "internal_error" } });
    expect(text).not.toContain("vault");
    expect(lines).toHaveLength(1);
  });
});

describe("a client that stalls in a streamed upload", () => {
  it("is answered 408, its row says that it was no fault of the provider's, and its body is let go", async () => {
    const { gateway, rows } = managed({
      connectTimeoutSecs: 0.01,
      writeTimeoutSecs: 0.01,
      readTimeoutSecs: 0.1,
    });
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"model":"gpt-5-mini",')),
      cancel: () => cancelled.resolve(),
    });
    const headers = {
      authorization: `Bearer ${mint({ tenantId: "42" })}`,
      "content-type": "application/json",
    };
    // Node asks for `duplex`, which the DOM's types do not know.
    const init: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
    const response = await gateway.request(TARGET, init);
    expect(response.status).toBe(408);
    await cancelled.promise;
    expect(rows).toEqual([expect.objectContaining({ outcome: "client_cancelled", usage_source: "none" })]);
  });
});
