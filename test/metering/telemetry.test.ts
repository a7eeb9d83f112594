/** OpenTelemetry through a real gateway and a collector that speaks OTLP/HTTP with JSON. */
import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BYO_KEY } from "../conformance/lab.ts";
import { baseSetup } from "../conformance/setups.ts";
import { bytes, json } from "../support/answers.ts";
import type { RunningGateway } from "../support/gateway-process.ts";
import { rawRequest } from "../support/raw-http.ts";
import { startOnBun, startOnNode } from "../support/runtimes.ts";
import { type SeenRequest, type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { type Collector, startCollector } from "./collector.ts";
import { CHAT, chat, DONE, delta, event, KEY, SSE } from "./lab.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;
const TRACESTATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

const RUNTIMES = { Node: startOnNode, Bun: startOnBun };

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`OpenTelemetry on ${name}`, () => {
    let standIn: StandIn;
    let collector: Collector;
    let gateway: RunningGateway;
    /** Managed requests of the test: each has a record. */
    let managed = 0;

    beforeAll(async () => {
      [standIn, collector] = await Promise.all([startStandIn(), startCollector()]);
      const { config } = baseSetup(standIn.authority);
      gateway = await start({ config: { ...config, otlp_endpoint: collector.url } });
    });
    beforeEach(() => {
      standIn.reset();
      collector.spans.length = 0;
      collector.records.length = 0;
      managed = 0;
    });
    // What is still on its way would be the next test's.
    afterEach(() => until(() => collector.records.length === managed));
    afterAll(async () => {
      await gateway?.stop();
      await standIn?.close();
      collector?.close();
    });

    const ask = async (
      headers: readonly (readonly [string, string])[],
      key = KEY,
      target = CHAT,
    ): Promise<SeenRequest> => {
      const all = [
        ["authorization", `Bearer ${key}`],
        ["content-type", "application/json"],
        ...headers,
      ] as const;
      if (key === KEY) managed++;
      await rawRequest(gateway.url, { method: "POST", target, headers: all, body: JSON.stringify(chat()) });
      return standIn.take();
    };
    /** The test's n-th span. */
    const exported = async (n = 1) => {
      await until(() => collector.spans.length >= n);
      return collector.spans[n - 1]!;
    };

    it("exports a span and the row, within the client's trace", async () => {
      standIn.setDefault(
        json(200, {
          id: "chatcmpl-1",
          model: "m-served",
          choices: [{ message: { content: "hi" } }],
          usage: {
            prompt_tokens: 12,
            completion_tokens: 3,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 1 },
          },
        }),
      );
      await ask([["traceparent", TRACEPARENT]]);
      const span = await exported();
      expect(span).toMatchObject({ name: "chat m5678", traceId: TRACE_ID, parentSpanId: PARENT_ID, kind: 3 });
      expect(span.attributes).toMatchObject({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m5678",
        "gen_ai.response.model": "m-served",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.response.time_to_first_chunk": expect.any(Number),
        "server.address": "127.0.0.1",
      });
      expect(span.attributes).not.toHaveProperty(["gen_ai.usage.cache_creation.input_tokens"]);
      expect(span.attributes).not.toHaveProperty(["error.type"]);
      await until(() => collector.records.length > 0);
      const [record] = collector.records;
      expect(record).toMatchObject({ eventName: "ai.usage", traceId: TRACE_ID, spanId: span.spanId });
      await until(() => gateway.rawRows().includes(record!.body));
      expect(record!.attributes).toMatchObject({
        "beyond.tenant_id": "42",
        "beyond.key_id": "18446744073709551615",
        "gen_ai.usage.output_tokens": 3,
      });
    });

    it("passes the continued context on with a managed request, tracestate as it came", async () => {
      const seen = await ask([
        ["traceparent", TRACEPARENT],
        ["tracestate", TRACESTATE],
        ["baggage", "a=1"],
      ]);
      const span = await exported();
      expect(seen.header("traceparent")).toEqual([`00-${TRACE_ID}-${span.spanId}-01`]);
      expect(seen.header("tracestate")).toEqual([TRACESTATE]);
      expect(seen.header("baggage")).toEqual(["a=1"]);
      expect(span.traceState).toBe(TRACESTATE);
    });

    it("leaves a BYO client's own context alone, and has no row of it", async () => {
      const seen = await ask(
        [
          ["traceparent", TRACEPARENT],
          ["tracestate", TRACESTATE],
        ],
        BYO_KEY,
      );
      expect(seen.header("traceparent")).toEqual([TRACEPARENT]);
      expect(seen.header("tracestate")).toEqual([TRACESTATE]);
      expect(await exported()).toMatchObject({ traceId: TRACE_ID, parentSpanId: PARENT_ID });
      // A record of it would come before this one's.
      await ask([]);
      await exported(2);
      await until(() => collector.records.length > 0);
      expect(collector.records.map(({ traceId }) => traceId)).not.toContain(TRACE_ID);
    });

    for (const [why, headers] of Object.entries({
      "no context": [],
      "an invalid one": [["traceparent", `00-${"0".repeat(32)}-${PARENT_ID}-01`]],
      "two of them": [
        ["traceparent", TRACEPARENT],
        ["traceparent", `00-${TRACE_ID}-b7ad6b7169203331-01`],
      ],
    } as const)) {
      it(`begins a trace of its own for a request with ${why}`, async () => {
        const seen = await ask([...headers, ["tracestate", TRACESTATE]]);
        const span = await exported();
        expect(span.parentSpanId).toBeUndefined();
        expect(span.traceId).not.toBe(TRACE_ID);
        expect(seen.header("traceparent")).toEqual([`00-${span.traceId}-${span.spanId}-01`]);
        expect(seen.header("tracestate")).toEqual([]);
      });
    }

    it("obeys a client that does not sample, and exports its row all the same", async () => {
      const seen = await ask([["traceparent", `00-${TRACE_ID}-${PARENT_ID}-00`]]);
      expect(seen.header("traceparent")[0]).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
      // A span of it would come before this one's.
      await ask([]);
      await exported();
      expect(collector.spans.map(({ traceId }) => traceId)).not.toContain(TRACE_ID);
      await until(() => collector.records.length === 2);
      expect(collector.records[0]).toMatchObject({ traceId: TRACE_ID });
    });

    it("says what went wrong", async () => {
      standIn.setDefault(json(429, { error: { message: "slow down" } }));
      await ask([]);
      const refused = await exported();
      expect(refused).toMatchObject({
        status: 2,
        attributes: { "error.type": "429", "http.response.status_code": 429 },
      });
      standIn.setDefault(bytes(200, SSE, delta("x")));
      await ask([]);
      expect(await exported(2)).toMatchObject({ status: 2, attributes: { "error.type": "cut_short" } });
      standIn.setDefault(bytes(200, SSE, delta("x") + event({ choices: [] }) + DONE));
      await ask([], KEY, "/mistral/v1/chat/completions");
      const fine = await exported(3);
      expect(fine.attributes).toMatchObject({ "gen_ai.provider.name": "mistral_ai", "beyond.outcome": "ok" });
      expect(fine.status ?? 0).toBe(0);
    });

    it("never exports a credential", async () => {
      await ask([]);
      await ask([["x-api-key", BYO_KEY]], BYO_KEY);
      await exported(2);
      await until(() => collector.records.length > 0);
      for (const { headers, body } of collector.requests) {
        expect(headers).not.toHaveProperty("authorization");
        expect(body).not.toMatch(/bai_v|pool-|sk-byo/);
      }
    });
  });
}

describe("a collector that fails", () => {
  it("is reported once, harms no request, and gets what waited before the end", async () => {
    const [standIn, collector] = await Promise.all([startStandIn(json(200, {})), startCollector()]);
    collector.status = 400;
    const { config } = baseSetup(standIn.authority);
    const endpoint = collector.url.replace("//", "//user:p%40ss@");
    const gateway = await startOnNode({ config: { ...config, otlp_endpoint: endpoint } });
    const post = () =>
      rawRequest(gateway.url, {
        method: "POST",
        target: CHAT,
        headers: [["authorization", `Bearer ${KEY}`]],
        body: "{}",
      });
    expect((await post()).status).toBe(200);
    await until(() => /spans cannot be exported/.test(gateway.stderr()));
    collector.status = 200;
    expect((await post()).status).toBe(200);
    await gateway.stop();
    expect(collector.spans).toHaveLength(1);
    expect(collector.requests[0]?.headers.authorization).toBe(`Basic ${btoa("user:p@ss")}`);
    expect(gateway.stderr().match(/spans cannot be exported/g)).toHaveLength(1);
    expect(gateway.stderr()).not.toMatch(/p@ss|p%40ss/);
    await standIn.close();
    collector.close();
  });
});

describe("without an endpoint", () => {
  it("no OpenTelemetry package is loaded", () => {
    const packagesOf = (...modules: string[]): string[] => {
      const script = `
        import { registerHooks } from "node:module";
        registerHooks({ resolve: (name, context, next) => {
          const isOurs = !context.parentURL?.includes("/node_modules/");
          if (isOurs && name.startsWith("@opentelemetry/")) console.log(name);
          return next(name, context);
        } });
        for (const module of ${JSON.stringify(modules)}) await import(module);`;
      const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        cwd: new URL("../..", import.meta.url),
        encoding: "utf8",
      });
      expect(stderr).toBe("");
      return stdout.split("\n").filter(Boolean);
    };
    expect(packagesOf("./adapters/server/serve.ts", "./adapters/node/runtime.ts")).toEqual([]);
    expect(packagesOf("./adapters/server/telemetry/index.ts")).toContain("@opentelemetry/sdk-trace");
  });
});
