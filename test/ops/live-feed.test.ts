/** The feed behind the live page: what it samples, when it does, and what it tells of a row. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createFeed } from "../../adapters/server/live/feed.ts";
import { quantileOf } from "../../adapters/server/live/quantile.ts";
import { createRowRing } from "../../adapters/server/live/row-ring.ts";
import { createSampler, type Sample } from "../../adapters/server/live/sampler.ts";
import type { Frame, Hello } from "../../adapters/server/live/wire.ts";
import { formatRow, type UsageRow } from "../../src/gateway/row.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import { embedded } from "../support/answers.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { clockAt, stateWith } from "../support/state.ts";
import { ask, configOver, NODE_WORKERS, RUNTIMES, startServed } from "./served.ts";

const rowOf = (n: number): UsageRow => ({
  target: "ai.usage",
  timestamp: "2026-11-20T14:30:00.000Z",
  request_id: `r${n}`,
  tenant_id: "18446744073709551615",
  vpc_id: "secret-vpc",
  kid: 1,
  provider: "openai",
  dialect: "openai",
  path: "/v1/a-path",
  stream: false,
  outcome: "ok",
  usage_source: "reported",
  input_tokens: 3,
  latency_ms: 12,
  request_bytes: 1,
  response_bytes: 1,
});

describe("the percentile of a histogram", () => {
  const bounds = [1, 2, 4];

  it("is interpolated inside its bucket, as Prometheus does", () => {
    expect(quantileOf(0.5, [10, 0, 0, 0], bounds)).toBe(0.5);
    expect(quantileOf(0.5, [0, 0, 10, 0], bounds)).toBe(3);
    expect(quantileOf(0.95, [90, 0, 10, 0], bounds)).toBe(3);
    expect(quantileOf(1, [1, 1, 0, 0], bounds)).toBe(2);
  });

  it("is the last bound where it lies beyond, and nothing where nothing was seen", () => {
    expect(quantileOf(0.99, [0, 0, 0, 5], bounds)).toBe(4);
    expect(quantileOf(0.99, [0, 0, 0, 0], bounds)).toBeUndefined();
  });

  it("never goes down as the quantile goes up, and lies in the bucket that holds its rank", () => {
    const counts = fc
      .array(fc.nat(50), { minLength: 4, maxLength: 4 })
      .filter((list) => list.some((n) => n > 0));
    fc.assert(
      fc.property(
        counts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, a, b) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map((q) => quantileOf(q, list, bounds)!);
          expect(low).toBeLessThanOrEqual(high!);
          const first = list.findIndex((n) => n > 0);
          expect(low).toBeGreaterThanOrEqual(bounds[first - 1] ?? 0);
          expect(high).toBeLessThanOrEqual(4);
        },
      ),
    );
  });
});

describe("the ring of rows", () => {
  it("gives each reader what it has not seen, oldest first, as far as it is still there", () => {
    const ring = createRowRing(3);
    for (const n of [1, 2]) ring.add(rowOf(n));
    const first = ring.since(0);
    expect(first.rows.map((row) => row.requestId)).toEqual(["r1", "r2"]);
    for (const n of [3, 4, 5, 6]) ring.add(rowOf(n));
    expect(ring.since(first.seen).rows.map((row) => row.requestId)).toEqual(["r4", "r5", "r6"]);
    expect(ring.since(6).rows).toEqual([]);
  });

  it("gives the same for the line that another process wrote of a row, ids of 20 digits included", () => {
    const row: UsageRow = {
      ...rowOf(1),
      vpc_id: "7",
      key_id: "18446744073709551614",
      model: "m",
      status: 200,
      usage: { tenant_id: 1, deep: { prompt_tokens: 3 } },
      response_id: "resp_1",
      ttft_ms: 5,
    };
    const [ofRow, ofLine] = [createRowRing(), createRowRing()];
    ofRow.add(row);
    ofLine.add(formatRow(row));
    expect(ofLine.since(0).rows).toEqual(ofRow.since(0).rows);
    expect(ofLine.since(0).rows[0]).toMatchObject({ tenantId: "18446744073709551615", latencyMs: 12 });
  });
});

function stateAt(clock: { nowMs: number }): GatewayState {
  return stateWith(
    { circuitBreakerThreshold: 1 },
    {
      deny: { lookup: () => undefined, size: () => 7, connected: () => false },
      clock: clockAt(() => clock.nowMs),
    },
  );
}

describe("the sampler", () => {
  it("gives rates of what was counted in between, percentiles of the window, and gauges as they stand", () => {
    vi.useFakeTimers();
    const clock = { nowMs: 0 };
    const state = stateAt(clock);
    const { metrics } = state;
    metrics.requests.add(1000);
    metrics.ttft.observe(500, "openai");
    const samples: Sample[] = [];
    const sampler = createSampler({ state, isDraining: () => true });
    const stop = sampler.subscribe((sample) => samples.push(sample));
    metrics.requests.add(10);
    metrics.rejections.add(4, "rate_limited");
    metrics.providerTokens.add(100, "openai", "input");
    metrics.ttft.observe(0.2, "openai");
    state.settings.breakers.get("groq")!.failure("closed", 0);
    clock.nowMs = 2000;
    vi.advanceTimersByTime(1000);
    stop();
    expect(samples).toEqual([
      {
        at: 2000,
        requests: 5,
        rejections: { rate_limited: 2 },
        tokens: { openai: { input: 50 } },
        ttft: { p50: expect.closeTo(175), p95: expect.closeTo(242.5), p99: expect.closeTo(248.5) },
        latency: null,
        inFlight: 0,
        streams: 0,
        circuits: expect.objectContaining({ groq: true, openai: false }),
        denied: 7,
        denyConnected: false,
        draining: true,
      },
    ]);
    vi.useRealTimers();
  });

  it("keeps no timer while nobody looks, and one for all who do", () => {
    vi.useFakeTimers();
    const sampler = createSampler({ state: stateAt({ nowMs: 0 }), isDraining: () => false });
    expect(vi.getTimerCount()).toBe(0);
    const stops = [sampler.subscribe(() => {}), sampler.subscribe(() => {})];
    expect(vi.getTimerCount()).toBe(1);
    stops[0]!();
    expect(vi.getTimerCount()).toBe(1);
    stops[1]!();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

describe("the feed", () => {
  const sampleNow: { tell: (sample: Sample) => void; watchers: number } = { tell: () => {}, watchers: 0 };
  const sampler = {
    subscribe(onSample: (sample: Sample) => void) {
      sampleNow.tell = onSample;
      sampleNow.watchers++;
      return () => void sampleNow.watchers--;
    },
  };
  const sample: Sample = {
    at: 1,
    requests: 0,
    rejections: {},
    tokens: {},
    ttft: null,
    latency: null,
    inFlight: 0,
    streams: 0,
    circuits: {},
    denied: 0,
    denyConnected: null,
    draining: false,
  };
  const open = (rows = createRowRing(), maxWatchers = 2) =>
    createFeed({ rows, sampler, version: "1", startedAt: 0, maxWatchers });
  const read = async <T extends Hello | Frame>(
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<T> => {
    const { value } = await reader.read();
    return JSON.parse(/^event: \w+\ndata: (.*)\n\n$/.exec(new TextDecoder().decode(value))![1]!);
  };

  it("tells of a row what the page shows and no more", async () => {
    const rows = createRowRing();
    rows.add(rowOf(1));
    const reader = open(rows).open()!.getReader();
    expect((await read<Hello>(reader)).rows).toEqual([
      {
        requestId: "r1",
        timestamp: "2026-11-20T14:30:00.000Z",
        tenantId: "18446744073709551615",
        provider: "openai",
        outcome: "ok",
        usageSource: "reported",
        inputTokens: 3,
        isStream: false,
        latencyMs: 12,
      },
    ]);
    await reader.cancel();
  });

  it("skips samples for a page that does not keep up, holds nothing for it, and loses it no row", async () => {
    const rows = createRowRing();
    const reader = open(rows).open()!.getReader();
    for (let n = 0; n < 1000; n++) {
      if (n < 5) rows.add(rowOf(n));
      sampleNow.tell({ ...sample, at: n });
    }
    expect((await read<Hello>(reader)).rows).toEqual([]);
    sampleNow.tell({ ...sample, at: 1000 });
    const frame = await read<Frame>(reader);
    expect(frame.at).toBe(1000);
    expect(frame.rows).toHaveLength(5);
    await reader.cancel();
  });

  it("opens to so many and not one more, until one leaves", async () => {
    const feed = open();
    const first = feed.open()!;
    const second = feed.open()!;
    expect(feed.open()).toBeUndefined();
    await first.cancel();
    const third = feed.open()!;
    await Promise.all([second.cancel(), third.cancel()]);
    expect(sampleNow.watchers).toBe(0);
  });
});

describe.each([...RUNTIMES, NODE_WORKERS])("the feed on $runtime", (runtime) => {
  let provider: StandIn;
  beforeAll(async () => {
    provider = await startStandIn(embedded());
  });
  afterAll(() => provider.close());

  it("begins with the rows there are, goes on with those that come, and lets go of who left", async () => {
    const gateway = await startServed(runtime, configOver(provider.authority));
    await (await ask(gateway.url)).text();
    await gateway.process.seen("stdout", /"ai\.usage"/);
    // More visits than may be open at once: each must be given up when its client leaves.
    for (let visit = 0; visit < 40; visit++) {
      const leaving = new AbortController();
      const visitPage = () => fetch(`${gateway.adminUrl}/live/events`, { signal: leaving.signal });
      let response = await visitPage();
      while (response.status !== 200) response = await visitPage();
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader.read()).value).toMatch(/^event: hello\n.*"tenantId":"42","keyId":"7"/);
      leaving.abort();
      await reader.closed.catch(() => {});
    }
    const last = await fetch(`${gateway.adminUrl}/live/events`);
    const reader = last.body!.pipeThrough(new TextDecoderStream()).getReader();
    await (await ask(gateway.url)).text();
    let text = "";
    while (!/event: frame\n.*"rows":\[\{/.test(text)) text += (await reader.read()).value;
    expect(text).not.toContain("bai_");
    // An open page does not hold up the end.
    gateway.process.child.kill("SIGTERM");
    expect((await gateway.process.ended).code).toBe(0);
    await reader.closed.catch(() => {});
  });
});
