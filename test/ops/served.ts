/** A gateway process with its admin listener and a config that can be edited while it runs, on either runtime. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { PROJECT_ROOT, type RunningCommand, startCommand, temporaryFile } from "../cli/cli.ts";
import { readKeyVectors } from "../support/fixtures.ts";
import { mint } from "../support/mint.ts";

const NODE = [process.execPath, join(PROJECT_ROOT, "adapters/node/bin.ts")] as const;

export const RUNTIMES = [
  { runtime: "Node", command: NODE },
  {
    runtime: "Bun",
    command: [join(PROJECT_ROOT, "node_modules/.bin/bun"), join(PROJECT_ROOT, "adapters/bun/bin.ts")],
  },
] as const;

/** Two processes behind one port. */
export const NODE_WORKERS = {
  runtime: "Node with two workers",
  command: NODE,
  config: { workers: 2 },
} as const;

export interface Runtime {
  readonly runtime: string;
  readonly command: readonly [string, ...string[]];
  /** What every config on it has. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Served {
  readonly url: string;
  readonly adminUrl: string;
  readonly process: RunningCommand;
  /** Writes the config anew and has it taken up; resolves with the line of stderr that the pattern finds after that. */
  reload(config: string | Readonly<Record<string, unknown>>, says: RegExp): Promise<string>;
}

/** A config over a stand-in for openai; `more` wins. */
export function configOver(authority: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    listen: "127.0.0.1:0",
    metrics_listen: "127.0.0.1:0",
    shutdown_delay_secs: 0,
    upstream_tls: false,
    signing_keys: readKeyVectors().signing_keys,
    pool_keys: { openai: "sk-pool-1" },
    provider_authorities: { openai: authority },
    ...more,
  };
}

/** Killed when the test is over. */
export async function startServed(
  { command, config: always, env = {} }: Runtime,
  config: Readonly<Record<string, unknown>>,
): Promise<Served> {
  const file = temporaryFile("config.toml", stringify({ ...always, ...config }));
  const [program, ...args] = command;
  const process = startCommand(program, [...args, "serve", "--config", file], { env });
  const [line] = await process.seen("stderr", /^.*"message":"listening".*$/m);
  const { url, admin_url: adminUrl }: { url: string; admin_url: string } = JSON.parse(line);
  return {
    url,
    adminUrl,
    process,
    async reload(next, says) {
      const before = process.stderr().length;
      writeFileSync(file, typeof next === "string" ? next : stringify({ ...always, ...next }));
      process.child.kill("SIGHUP");
      const whole = new RegExp(`^[^]{${before},}?(^[^\\n]*(?:${says.source})[^\\n]*)$`, "m");
      return (await process.seen("stderr", whole))[1]!;
    },
  };
}

export interface Ask {
  readonly key?: string;
  readonly path?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A managed chat request, unless told. */
export function ask(
  url: string,
  { key, path = "/v1/chat/completions", body = {} }: Ask = {},
): Promise<Response> {
  return fetch(url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key ?? mint({ tenantId: "42", keyId: "7" })}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ model: "gpt-5-mini", messages: [{ role: "user", content: "hello" }], ...body }),
  });
}
