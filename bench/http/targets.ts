/** Everything that can be measured on this machine, in the order of a round, and what cannot and why. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { startGateway } from "./gateway.ts";
import { startNginx } from "./nginx.ts";
import { findPortkey, startPortkey } from "./portkey.ts";
import { benchFile, findProgram, isInstalled, PROJECT_ROOT } from "./project.ts";
import { BYO_HEADERS, startPrintingPort, type Target } from "./target.ts";

export const FAMILIES = ["nginx", "node", "bun", "workers", "portkey"] as const;
export type Family = (typeof FAMILIES)[number];

export interface TargetOptions {
  readonly only: readonly Family[];
  /** Paths of Node binaries. */
  readonly nodes: readonly string[];
  /** Measure `dist/`, as it is installed, and not the sources. */
  readonly built: boolean;
  /** Where Portkey's package is installed, if not in the project or on the PATH. */
  readonly portkey: string | undefined;
}

export interface FoundTargets {
  readonly targets: readonly Target[];
  /** One line each. */
  readonly skipped: readonly string[];
}

export function findTargets({ only, nodes, built, portkey }: TargetOptions): FoundTargets {
  const found: Record<Family, () => readonly Target[] | string> = {
    nginx: nginxTargets,
    node: () => [
      ...nodes.flatMap((node) => nodeTargets(node, nodes.length > 1, built)),
      ...otherNodeProxies(nodes[0] ?? process.execPath),
    ],
    bun: () => bunTargets(built),
    workers: workersTargets,
    portkey: () => portkeyTargets(nodes[0] ?? process.execPath, portkey),
  };
  const targets: Target[] = [DIRECT];
  const skipped: string[] = [];
  for (const family of only) {
    const result = found[family]();
    if (typeof result === "string") skipped.push(`${family} is left out: ${result}`);
    else targets.push(...result);
  }
  return { targets, skipped };
}

/** Nothing in between: what latency and the age of events are held against. */
const DIRECT: Target = {
  name: "direct",
  role: "direct",
  runtime: "",
  start: async ({ providerPort }) => ({
    origin: `http://127.0.0.1:${providerPort}`,
    headers: BYO_HEADERS,
    processes: { group: 0 },
    startedAt: 0,
    stop: async () => {},
  }),
};

function nginxTargets(): readonly Target[] | string {
  const program = findProgram("nginx");
  if (program === undefined) return "no nginx on this machine";
  const name = `nginx ${versionOf(program)}`;
  return [
    { name, role: "nginx", runtime: "", start: (place) => startNginx(program, false, place) },
    {
      name: `${name}, tuned`,
      role: "tuned nginx",
      runtime: "",
      start: (place) => startNginx(program, true, place),
    },
  ];
}

/** Load and provider need cores too: what more workers than these would bring cannot be seen here. */
const WORKERS = 2;

function nodeTargets(node: string, severalNodes: boolean, built: boolean): readonly Target[] {
  const version = versionOf(node);
  const bin = built ? "dist/adapters/node/bin.js" : "adapters/node/bin.ts";
  return [
    ...pair("Node", version, severalNodes ? `node ${version}` : "node", {
      bare: ({ providerPort }) => startPrintingPort([node, benchFile("bare-node.js"), String(providerPort)]),
      gateway: (place) => startGateway([node, bin, "serve"], place),
    }),
    {
      name: `gateway, Node ${version}, ${WORKERS} workers`,
      role: "other",
      runtime: "",
      start: (place) => startGateway([node, bin, "serve"], place, { config: { workers: WORKERS } }),
    },
  ];
}

/** What else a bare proxy is built of on Node. */
function otherNodeProxies(node: string): readonly Target[] {
  const proxy = (what: string, script: string): Target => ({
    name: `${what}, Node ${versionOf(node)}`,
    role: "other",
    runtime: "",
    start: ({ providerPort }) => startPrintingPort([node, benchFile(script), String(providerPort)]),
  });
  return [proxy("node:http both sides", "bare-node-both.js"), proxy("Hono + fetch", "bare-hono.js")];
}

/** Bun's fetch stalls at several hundred concurrent streams otherwise. */
const BUN_ENVIRONMENT = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" };

function bunTargets(built: boolean): readonly Target[] | string {
  const bun = findProgram("bun");
  if (bun === undefined) return "no bun on this machine";
  const bin = built ? "dist/adapters/bun/bin.js" : "adapters/bun/bin.ts";
  return pair("Bun", versionOf(bun), "bun", {
    bare: ({ providerPort }) =>
      startPrintingPort([bun, benchFile("bare-bun.js"), String(providerPort)], { env: BUN_ENVIRONMENT }),
    gateway: (place) => startGateway([bun, bin, "serve"], place, { env: BUN_ENVIRONMENT }),
  });
}

/** The Node that starts workerd is no part of a Worker. */
const WORKERD = { counted: "workerd" };

function workersTargets(): readonly Target[] | string {
  if (!isInstalled("miniflare")) return "miniflare is not installed";
  const script = npmScript("start:workers");
  if (script === undefined) return "package.json has no start:workers yet";
  const env = { PATH: [join(PROJECT_ROOT, "node_modules/.bin"), process.env.PATH].join(delimiter) };
  return pair("workerd", workerdVersion(), "workers", {
    bare: ({ providerPort }) =>
      startPrintingPort([process.execPath, benchFile("bare-workerd.ts"), String(providerPort)], WORKERD),
    // What npm would run, without npm's own start in the measurement.
    gateway: (place) => startGateway(["sh", "-c", `${script} "$@"`, "sh"], place, { env, ...WORKERD }),
  });
}

function portkeyTargets(node: string, folder: string | undefined): readonly Target[] | string {
  const script = findPortkey(folder);
  if (script === undefined) return "@portkey-ai/gateway is not installed (--portkey DIR says where)";
  return [
    { name: "Portkey", role: "other", runtime: "", start: (place) => startPortkey(node, script, place) },
  ];
}

type Pair = Readonly<Record<"bare" | "gateway", Target["start"]>>;

function pair(title: string, version: string, runtime: string, { bare, gateway }: Pair): readonly Target[] {
  return [
    { name: `bare, ${title} ${version}`, role: "bare", runtime, start: bare },
    { name: `gateway, ${title} ${version}`, role: "gateway", runtime, start: gateway },
  ];
}

/** "1.20261023.1": its `--version` gives the date alone. */
function workerdVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)("workerd/package.json");
  return manifest.version;
}

/** "24.21.0", whatever stands around it and whatever the exit code: wrk's is 1. */
export function versionOf(program: string): string {
  const { stdout, stderr } = spawnSync(program, ["-v"], { encoding: "utf8" });
  return /\d[\w.]*/.exec(`${stdout}${stderr}`)?.[0] ?? "";
}

function npmScript(name: string): string | undefined {
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(PROJECT_ROOT, "package.json"), "utf8"),
  );
  return manifest.scripts[name];
}
