/** The bars of issue 6 that a run end to end can measure, each held against the medians. */
import type { Figures, Metric } from "./scenario.ts";
import { bareOf, ratio, roleOf, type Summary } from "./summary.ts";
import type { Target } from "./target.ts";

/** The medians of one scenario that a bar may speak of. */
interface Field {
  readonly gateway: Figures;
  /** The bare proxy on the same runtime. */
  readonly bare: Figures;
  readonly bareNode: Figures;
  readonly nginx: Figures;
  readonly direct: Figures;
}

interface Bar {
  readonly runtimes: readonly ("node" | "bun" | "workers")[];
  readonly scenario: string;
  readonly title: string;
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
  readonly aim?: number;
  readonly measure: (field: Field) => number | undefined;
}

export interface BarResult {
  readonly target: string;
  readonly scenario: string;
  readonly title: string;
  readonly limit: Bar["limit"];
  readonly aim?: number;
  /** `undefined` where something that it needs was not measured. */
  readonly measured: number | undefined;
  readonly met: boolean | undefined;
}

const EVERYWHERE = ["node", "bun", "workers"] as const;

const THROUGHPUT_BARS = ["json", "streams", "prompts"].flatMap((scenario): Bar[] => {
  const bar = {
    scenario,
    title: "requests per CPU second, of bare",
    limit: { atLeast: 0.8 },
    measure: ({ gateway, bare }: Field) => ratio(bare.cpuPer1000, gateway.cpuPer1000),
  };
  return [
    { ...bar, runtimes: ["node"], aim: 0.95 },
    { ...bar, runtimes: ["bun", "workers"] },
  ];
});

const ofNginx = (runtime: "node" | "bun", scenario: string, atMost: number, aim?: number): Bar => ({
  runtimes: [runtime],
  scenario,
  title: "CPU, of nginx",
  limit: { atMost },
  ...(aim !== undefined && { aim }),
  measure: ({ gateway, nginx }) => ratio(gateway.cpuPer1000, nginx.cpuPer1000),
});

const ofBareNode = (scenario: string): Bar => ({
  runtimes: ["bun"],
  scenario,
  title: "CPU, of the bare proxy on Node",
  limit: { atMost: 1 },
  measure: ({ gateway, bareNode }) => ratio(gateway.cpuPer1000, bareNode.cpuPer1000),
});

const ofBare = (scenario: string, title: string, metric: Metric, limit: Bar["limit"]): Bar => ({
  runtimes: EVERYWHERE,
  scenario,
  title,
  limit,
  measure: ({ gateway, bare }) => ratio(gateway[metric], bare[metric]),
});

const added = (metric: "p50Ms" | "p99Ms"): Bar => ({
  runtimes: ["node"],
  scenario: "latency",
  title: `${metric.slice(0, 3)} added over direct, of bare`,
  limit: { atMost: 1.3 },
  measure: ({ gateway, bare, direct }) =>
    ratio(moreThan(direct[metric], gateway[metric]), moreThan(direct[metric], bare[metric])),
});

/** `undefined` as well where a proxy was faster than none: that is noise, and no bar is met by it. */
const moreThan = (direct: number | undefined, proxied: number | undefined): number | undefined =>
  direct === undefined || proxied === undefined || proxied <= direct ? undefined : proxied - direct;

const BARS: readonly Bar[] = [
  ...THROUGHPUT_BARS,
  ofNginx("node", "json", 4.5, 3.5),
  ofNginx("node", "streams", 2.5, 1.6),
  ofNginx("bun", "json", 3),
  ofNginx("bun", "streams", 1.6),
  ...["json", "streams", "prompts"].map(ofBareNode),
  added("p50Ms"),
  added("p99Ms"),
  {
    ...ofBare("slow-streams", "p99 age of an event, of bare", "ageP99Ms", { atMost: 1.3 }),
    runtimes: ["node"],
  },
  {
    runtimes: ["node"],
    scenario: "slow-streams",
    title: "KB a stream",
    limit: { atMost: 40 },
    measure: ({ gateway }) => gateway.kbPerStream,
  },
  ofBare("upload", "MB/s, of bare", "mbPerSecond", { atLeast: 0.9 }),
  ofBare("upload", "memory grown, of bare", "grownMb", { atMost: 1.2 }),
  // Locally, a Worker's start is its bundling and the filling of its KV: nothing that Cloudflare does.
  {
    ...ofBare("cold-start", "time to the first 200, of bare", "coldStartMs", { atMost: 1.5 }),
    runtimes: ["node", "bun"],
  },
];

export function holdAgainstBars(summary: Summary, scenarios: readonly string[]): BarResult[] {
  const gateways = summary.targets.filter(({ role }) => role === "gateway");
  return gateways.flatMap((gateway) =>
    BARS.filter((bar) => scenarios.includes(bar.scenario) && isFor(bar, gateway)).map((bar) =>
      hold(bar, gateway, summary),
    ),
  );
}

const isFor = ({ runtimes }: Bar, { runtime }: Target): boolean =>
  runtimes.some((name) => name === runtime.split(" ")[0]);

function hold({ scenario, title, limit, aim, measure }: Bar, gateway: Target, summary: Summary): BarResult {
  const figures = (target: Target | undefined): Figures => summary.figuresOf(scenario, target);
  const measured = measure({
    gateway: figures(gateway),
    bare: figures(bareOf(summary, gateway)),
    // Of several Nodes the first.
    bareNode: figures(roleOf(summary, "bare", "Node")),
    nginx: figures(roleOf(summary, "nginx")),
    direct: figures(roleOf(summary, "direct")),
  });
  const met =
    measured === undefined
      ? undefined
      : "atLeast" in limit
        ? measured >= limit.atLeast
        : measured <= limit.atMost;
  return { target: gateway.name, scenario, title, limit, measured, met, ...(aim !== undefined && { aim }) };
}
