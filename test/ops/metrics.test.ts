/** The admin listener as Prometheus, Grafana and a load balancer meet it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../cli/cli.ts";
import { bytes, fixture, gated, json } from "../support/answers.ts";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { type Family, parseExposition } from "./exposition.ts";
import { readsOf } from "./promql.ts";
import { ask, configOver, NODE_WORKERS, RUNTIMES, type Runtime, type Served, startServed } from "./served.ts";

let provider: StandIn;
beforeAll(async () => {
  provider = await startStandIn();
});
afterAll(() => provider.close());

async function serve(runtime: Runtime): Promise<Served> {
  provider.reset();
  return startServed(
    runtime,
    configOver(provider.authority, {
      provider_authorities: { openai: provider.authority, dead: CLOSED_PORT },
      pool_keys: { openai: ["sk-pool-1", "sk-pool-2"], dead: "sk-dead" },
    }),
  );
}

const scrape = async ({ adminUrl }: Served): Promise<ReadonlyMap<string, Family>> =>
  parseExposition(await (await fetch(`${adminUrl}/metrics`)).text());

const samplesOf = (families: ReadonlyMap<string, Family>, name: string): Record<string, number> =>
  Object.fromEntries(families.get(name)?.samples ?? []);

/** One of everything that is counted. */
async function makeTraffic({ url }: Served): Promise<void> {
  const path = "/v1/chat/completions";
  provider.enqueue(path, json(429, { error: { message: "slow down" } }), fixture("openai-chat-json"));
  expect((await ask(url)).status).toBe(200);
  provider.enqueue(path, fixture("openai-chat-stream-usage"));
  await (await ask(url, { body: { stream: true, stream_options: { include_usage: true } } })).text();
  provider.enqueue(path, bytes(500, { "content-type": "text/plain" }, "oh"));
  expect((await ask(url, { key: "sk-byo" })).status).toBe(500);
  provider.enqueue(path, fixture("openai-chat-json"));
  expect((await ask(url, { key: "sk-byo" })).status).toBe(200);
  expect((await ask(url, { path: "/dead/v1/chat/completions" })).status).toBe(502);
  expect((await ask(url, { key: "bai_v1.1.forged" })).status).toBe(401);
}

describe.each([...RUNTIMES, NODE_WORKERS])("/metrics on $runtime", (runtime) => {
  it("counts requests, refusals, responses, retries, key walks, rows and tokens, BYO among them", async () => {
    const gateway = await serve(runtime);
    await makeTraffic(gateway);
    let families = await scrape(gateway);
    const of = (name: string) => samplesOf(families, name);
    while (of("ai_requests_in_flight")[""] !== 0) families = await scrape(gateway);
    expect(of("ai_requests_total")).toEqual({ "": 6 });
    expect(of("ai_rejections_total")).toEqual({
      'reason="upstream_unreachable"': 1,
      'reason="invalid_key"': 1,
    });
    expect(of("ai_upstream_responses_total")).toEqual({
      'provider="openai",status="2xx"': 3,
      'provider="openai",status="5xx"': 1,
    });
    expect(of("ai_connect_retries_total")).toEqual({ 'provider="dead"': 2 });
    expect(of("ai_key_walks_total")).toEqual({ 'provider="openai"': 1 });
    expect(of("ai_usage_rows_total")).toMatchObject({ 'usage_source="reported"': 2 });
    const input = of("ai_tokens_total")['kind="input"'];
    expect(input).toBeGreaterThan(0);
    expect(of("ai_provider_tokens_total")['provider="openai",kind="input"']).toBe(input);
    expect(of("ai_ttft_seconds_count")['provider="openai"']).toBe(4);
    expect(of("ai_upstream_latency_seconds_count")).toEqual({ 'provider="openai"': 4, 'provider="dead"': 1 });
    expect(of("ai_circuit_open")).toMatchObject({ 'provider="openai"': 0, 'provider="dead"': 0 });
    expect(of("ai_deny_set_size")).toEqual({ "": 0 });
    expect(Math.min(...Object.values(of("process_resident_memory_bytes")))).toBeGreaterThan(1e6);
  });

  it("has the names, types and labels of the contract, and nothing else of ours", async () => {
    const gateway = await serve(runtime);
    await makeTraffic(gateway);
    const families = await scrape(gateway);
    const ours = [...families].filter(
      ([name]) => name.startsWith("ai_") && !/_(bucket|sum|count)$/.test(name),
    );
    const shapes = ours.map(([name, { type }]) => {
      const { labels } = families.get(type === "histogram" ? `${name}_sum` : name)!;
      return `${type} ${name} ${[...labels].join(",")}`.trim();
    });
    expect(shapes.sort()).toEqual([
      "counter ai_connect_retries_total provider",
      "counter ai_key_walks_total provider",
      "counter ai_provider_tokens_total provider,kind",
      "counter ai_rejections_total reason",
      "counter ai_requests_total",
      "counter ai_tokens_total kind",
      "counter ai_upstream_responses_total provider,status",
      "counter ai_usage_parse_errors_total",
      "counter ai_usage_rows_total usage_source",
      "counter ai_usage_write_errors_total",
      "gauge ai_active_streams",
      "gauge ai_circuit_open provider",
      "gauge ai_deny_set_size",
      "gauge ai_nats_connected",
      "gauge ai_requests_in_flight",
      "histogram ai_ttft_seconds provider",
      "histogram ai_upstream_latency_seconds provider",
    ]);
  });

  it("shows a stream while it is open", async () => {
    const gateway = await serve(runtime);
    const stream = gated({ "content-type": "text/event-stream" });
    provider.enqueue("/v1/chat/completions", stream.answer);
    const asking = ask(gateway.url, { body: { stream: true } });
    await stream.release("data: {}\n\n");
    const response = await asking;
    expect(samplesOf(await scrape(gateway), "ai_active_streams")).toEqual({ "": 1 });
    await stream.release("data: [DONE]\n\n");
    stream.end();
    await response.text();
    await until(async () => samplesOf(await scrape(gateway), "ai_active_streams")[""] === 0);
  });

  it("answers probes, HEAD and unknown paths as a load balancer expects", async () => {
    const { adminUrl } = await serve(runtime);
    const get = async (path: string, init?: RequestInit) => {
      const response = await fetch(adminUrl + path, init);
      return {
        status: response.status,
        type: response.headers.get("content-type"),
        text: await response.text(),
      };
    };
    const probe = {
      status: 200,
      type: expect.stringMatching(/^application\/json/),
      text: expect.stringMatching(/^\{"status":"ok","version":"[^"]+"\}$/),
    };
    expect(await get("/livez")).toEqual(probe);
    expect(await get("/readyz")).toEqual(probe);
    expect(await get("/readyz", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    expect(await get("/metrics", { headers: { accept: "application/openmetrics-text" } })).toMatchObject({
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
    });
    expect(await get("/nothing")).toMatchObject({ status: 404 });
    expect(await get("/metrics", { method: "POST" })).toMatchObject({ status: 404 });
  });
});

describe("what deploy/ reads", () => {
  let families: ReadonlyMap<string, Family>;
  beforeAll(async () => {
    const gateway = await serve(RUNTIMES[0]);
    await makeTraffic(gateway);
    families = await scrape(gateway);
  });

  /** Given by Prometheus itself. */
  const TARGET_LABELS = ["job", "instance"];
  const UP: Family = { type: "gauge", labels: new Set(), samples: new Map() };

  const faultsOf = (expression: string): string[] => {
    const { selectors, grouping } = readsOf(expression);
    const read = selectors.map(({ metric, labels }) => {
      const family = metric === "up" ? UP : families.get(metric);
      return { metric, labels, has: family && [...family.labels, ...TARGET_LABELS] };
    });
    return [
      ...(read.length === 0 ? [`${expression} reads nothing`] : []),
      ...read.filter(({ has }) => !has).map(({ metric }) => `there is no metric ${metric}`),
      ...read.flatMap(({ metric, labels, has }) =>
        labels
          .filter((label) => has && !has.includes(label))
          .map((label) => `${metric} has no label ${label}`),
      ),
      ...grouping
        .filter((label) => !read.every(({ has }) => has?.includes(label)))
        .map((label) => `${expression} groups by ${label}`),
    ];
  };

  const fileOf = (name: string): string => readFileSync(join(PROJECT_ROOT, "deploy", name), "utf8");

  it("is known to find a metric, a matcher and a grouping that do not exist", () => {
    expect(faultsOf("sum by (tenant) (rate(ai_requests_total[5m]))")).toHaveLength(1);
    expect(faultsOf('ai_rejections_total{code="x"} > 0')).toEqual(["ai_rejections_total has no label code"]);
    expect(faultsOf("ai_request_total offset 5m or vector(0)")).toEqual([
      "there is no metric ai_request_total",
    ]);
  });

  it("exists, for every panel of the Grafana dashboard", () => {
    interface Panel {
      readonly title: string;
      readonly targets?: readonly { readonly expr: string }[];
    }
    const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(fileOf("grafana-dashboard.json"));
    const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap(faultsOf)).toEqual([]);
  });

  it("exists, for every alert", () => {
    // One line, or a block that is deeper than its key.
    const rules = [
      ...fileOf("prometheus-alerts.yml").matchAll(/^( +)expr: (?:\|\n((?:\1 +.*\n)+)|(.*)\n)/gm),
    ];
    const expressions = rules.map(([, , block, line]) => block ?? line ?? "");
    expect(expressions).toHaveLength(fileOf("prometheus-alerts.yml").match(/- alert:/g)!.length);
    expect(expressions.flatMap(faultsOf)).toEqual([]);
  });
});
