/** Counters, gauges and histograms of one gateway, and their Prometheus text (exposition format 0.0.4). Labels are bounded. */

/** What one series grew by, as plain data: a counter's amount; a histogram's buckets, then its sum. */
type Growth = readonly [labels: readonly string[], amounts: readonly number[]];

/** What was counted in one process and is to be counted in another: by metric name, only what grew. */
export type Counts = Readonly<Record<string, readonly Growth[]>>;

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Lines without the name's `# TYPE` and `# HELP`. */
  lines(): string[];
}

/** Label values come from our own tables and the provider names of the config, so escaping is for form's sake. */
function label(name: string, value: string): string {
  return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

const braces = (labels: string): string => (labels === "" ? "" : `{${labels}}`);

/**
 * Counts by up to two labels. Their values are strings that exist already, as table entries and provider names: text made
 * for each request would cost more to hash than the rest of the counting.
 */
export class Counter implements Metric {
  readonly type = "counter";
  readonly name: string;
  readonly help: string;
  readonly #labelNames: readonly string[];
  readonly #values = new Map<string, Map<string, { value: number }>>();

  constructor(name: string, help: string, labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    // A counter without labels exists from the start, so that it can be seen to stand still.
    if (labelNames.length === 0) this.add(0);
  }

  add(amount = 1, first = "", second = ""): void {
    let series = this.#values.get(first);
    if (!series) {
      series = new Map();
      this.#values.set(first, series);
    }
    const cell = series.get(second);
    if (cell) cell.value += amount;
    else series.set(second, { value: amount });
  }

  /** All series together. */
  total(): number {
    let total = 0;
    for (const series of this.#values.values()) for (const { value } of series.values()) total += value;
    return total;
  }

  /** Each series by its labels as the text has them. */
  *entries(): Iterable<[labels: string, value: number]> {
    for (const [first, series] of this.#values) {
      for (const [second, { value }] of series) {
        const values = [first, second];
        yield [this.#labelNames.map((name, i) => label(name, values[i]!)).join(","), value];
      }
    }
  }

  /** What was counted since it was last taken; it starts again from 0. */
  take(): Growth[] {
    const taken: Growth[] = [];
    for (const [first, series] of this.#values) {
      for (const [second, cell] of series) {
        if (cell.value !== 0) taken.push([[first, second], [cell.value]]);
        cell.value = 0;
      }
    }
    return taken;
  }

  give([[first, second], [amount]]: Growth): void {
    this.add(amount, first, second);
  }

  lines(): string[] {
    return Array.from(this.entries(), ([labels, value]) => `${this.name}${braces(labels)} ${value}`);
  }
}

/** Reads its value when asked, so that nothing on the hot path keeps it. */
class Gauge implements Metric {
  readonly type = "gauge";
  readonly name: string;
  readonly help: string;
  readonly #read: () => Iterable<readonly [labels: string, value: number]>;
  constructor(name: string, help: string, read: () => Iterable<readonly [labels: string, value: number]>) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }
  lines(): string[] {
    return [...this.#read()].map(([labels, value]) => `${this.name}${braces(labels)} ${value}`);
  }
}

/** Seconds, from a cache hit to the longest generation. */
export const BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

interface Series {
  readonly counts: Float64Array;
  sum: number;
}

/** Seconds by provider. */
class Histogram implements Metric {
  readonly type = "histogram";
  readonly name: string;
  readonly help: string;
  readonly #series = new Map<string, Series>();
  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }
  observe(seconds: number, provider: string): void {
    const series = this.#seriesOf(provider);
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.sum += seconds;
  }
  /** As a counter's. */
  take(): Growth[] {
    const taken = Array.from(
      this.#series,
      ([provider, { counts, sum }]): Growth => [[provider], [...counts, sum]],
    );
    this.#series.clear();
    return taken;
  }
  give([[provider = ""], amounts]: Growth): void {
    const series = this.#seriesOf(provider);
    for (let i = 0; i < series.counts.length; i++) series.counts[i]! += amounts[i]!;
    series.sum += amounts.at(-1)!;
  }
  #seriesOf(provider: string): Series {
    let series = this.#series.get(provider);
    if (!series) {
      series = { counts: new Float64Array(BUCKETS.length + 1), sum: 0 };
      this.#series.set(provider, series);
    }
    return series;
  }
  /** Observations of all series so far, by bucket, not cumulative; the last bucket has no upper bound. */
  totals(): Float64Array {
    const totals = new Float64Array(BUCKETS.length + 1);
    for (const { counts } of this.#series.values()) {
      for (let i = 0; i < totals.length; i++) totals[i]! += counts[i]!;
    }
    return totals;
  }
  lines(): string[] {
    const lines: string[] = [];
    for (const [provider, { counts, sum }] of this.#series) {
      const labels = label("provider", provider);
      let total = 0;
      for (let i = 0; i < counts.length; i++) {
        total += counts[i]!;
        lines.push(`${this.name}_bucket{${labels},le="${BUCKETS[i] ?? "+Inf"}"} ${total}`);
      }
      lines.push(`${this.name}_sum{${labels}} ${sum}`, `${this.name}_count{${labels}} ${total}`);
    }
    return lines;
  }
}

/** What the gauges read. */
export interface GaugeSources {
  readonly denySetSize: () => number;
  /** Undefined where there is nothing to connect to. */
  readonly denyConnected: () => boolean | undefined;
  readonly openCircuits: () => Iterable<readonly [provider: string, open: boolean]>;
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(sources: GaugeSources) {
  const live = { inFlight: 0, streams: 0 };
  const kept = {
    requests: new Counter("ai_requests_total", "Requests received, refused ones included."),
    rejections: new Counter("ai_rejections_total", "Requests the gateway refused, by error code.", [
      "reason",
    ]),
    responses: new Counter("ai_upstream_responses_total", "Responses by provider and status class.", [
      "provider",
      "status",
    ]),
    connectRetries: new Counter("ai_connect_retries_total", "Connection attempts repeated, by provider.", [
      "provider",
    ]),
    keyWalks: new Counter(
      "ai_key_walks_total",
      "Managed 429s that went on with the next pool key, by provider.",
      ["provider"],
    ),
    tokens: new Counter("ai_tokens_total", "Tokens metered, by kind; BYO included.", ["kind"]),
    providerTokens: new Counter(
      "ai_provider_tokens_total",
      "Tokens metered, by provider and kind; BYO included.",
      ["provider", "kind"],
    ),
    ttft: new Histogram("ai_ttft_seconds", "From the request's arrival to the provider's first body byte."),
    latency: new Histogram(
      "ai_upstream_latency_seconds",
      "From the request's arrival to the end of the response.",
    ),
    rows: new Counter("ai_usage_rows_total", "Rows written, by where their counts come from.", [
      "usage_source",
    ]),
    parseErrors: new Counter("ai_usage_parse_errors_total", "Ill-typed usage members and faults of the tap."),
    writeErrors: new Counter("ai_usage_write_errors_total", "Rows that the sink refused or lost."),
  };
  const one = (value: number): [string, number][] => [["", value]];
  const connected = (): [string, number][] => {
    const state = sources.denyConnected();
    return state === undefined ? [] : one(state ? 1 : 0);
  };
  const circuits = (): [string, number][] =>
    [...sources.openCircuits()].map(([provider, open]) => [label("provider", provider), open ? 1 : 0]);
  const all: Metric[] = [
    ...Object.values(kept),
    new Gauge("ai_active_streams", "SSE responses being relayed.", () => one(live.streams)),
    new Gauge("ai_requests_in_flight", "Requests not yet answered whole.", () => one(live.inFlight)),
    new Gauge("ai_deny_set_size", "Entries of the deny-set.", () => one(sources.denySetSize())),
    new Gauge("ai_nats_connected", "1 while the deny-set's NATS is connected.", connected),
    new Gauge("ai_circuit_open", "1 while a provider's breaker is open.", circuits),
  ];
  return {
    ...kept,
    live,
    text: () => all.map(metricText).join(""),
    /** All that was counted since the last time, for `give` in another process. */
    take: (): Counts =>
      Object.fromEntries(
        Object.values(kept).flatMap((metric) => {
          const grown = metric.take();
          return grown.length === 0 ? [] : [[metric.name, grown]];
        }),
      ),
    /** Counts what another process took. */
    give(counts: Counts): void {
      for (const metric of Object.values(kept)) {
        for (const growth of counts[metric.name] ?? []) metric.give(growth);
      }
    },
  };
}

function metricText(metric: Metric): string {
  const head = `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n`;
  return (
    head +
    metric
      .lines()
      .map((line) => `${line}\n`)
      .join("")
  );
}
