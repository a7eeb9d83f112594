/** `beyond-ai deny list|add|remove`: the deny-set by hand, on each of its sources. */

import { Command, Option } from "commander";
import { ConfigError } from "../../../src/config/config-error.ts";
import { type Config, natsServers } from "../../../src/config/keys.ts";
import { type Deny, type DenyId, formatDenyKey, formatExpiresAt } from "../../../src/deny/entry.ts";
import type { DenyReason } from "../../../src/gateway/ports.ts";
import { formatU64, parseU64 } from "../../../src/keys/u64.ts";
import { reporting, usageError } from "../cli/conventions.ts";
import { u64Option } from "../cli/id-options.ts";
import type { DenyTarget, ListedDeny } from "./cli-target.ts";

/** The part of the config that says where denies are kept. */
type DenyConfig = Pick<Config, "natsUrl" | "natsCreds" | "natsCredsFile" | "configBucket" | "snapshotPath">;

export interface DenyCommandDeps {
  /** @param file the value of `--config` */
  readonly loadConfig: (file: string | undefined) => DenyConfig;
  readonly now?: () => number;
}

interface TargetOptions {
  readonly config?: string;
  readonly natsUrl?: string;
  readonly natsCredsFile?: string;
  readonly bucket?: string;
  readonly snapshot?: string;
  readonly binding?: string;
  readonly namespaceId?: string;
  readonly remote?: boolean;
  readonly local?: boolean;
  readonly wranglerConfig?: string;
  readonly persistTo?: string;
  readonly json?: boolean;
}

interface EntryOptions extends TargetOptions {
  readonly tenant?: string;
  readonly keyId?: string;
}

interface AddOptions extends EntryOptions {
  readonly reason: DenyReason;
  readonly for?: string;
}

/** The `deny` command, for a program to attach with `addCommand`. */
export function denyCommand(deps: DenyCommandDeps): Command {
  const { loadConfig, now = Date.now } = deps;
  const action = <T extends TargetOptions>(run: (options: T, target: DenyTarget) => Promise<void>) => {
    const report = reporting(async (options: T) => run(options, await chooseTarget(options, loadConfig)));
    return async (options: T): Promise<void> => {
      await report(options);
      // Ends here: the socket to a NATS that has frozen would hold the process.
      process.stdout.write("", () => process.exit());
    };
  };

  const list = withTargetOptions(new Command("list").description("show who is denied")).action(
    action<TargetOptions>(async (options, target) => {
      const entries = (await target.list()).sort(byKindAndId);
      const text = entries.map((entry) => `${describe(entry, now())}\n`).join("");
      print(options, entries.map(toJson), text === "" ? "nobody is denied\n" : text);
    }),
  );
  const add = withEntryOptions(new Command("add").description("deny a tenant or a key"))
    .addOption(
      new Option("--reason <reason>", "spend (402) or fraud (403)")
        .choices(["spend", "fraud"])
        .default("spend"),
    )
    .option("--for <duration>", "until then, such as 30s, 15m, 1h, 7d or 1h30m; else until it is removed")
    .action(
      action<AddOptions>(async (options, target) => {
        const entry = { id: readId(options), deny: readDeny(options, now()) };
        await target.add(entry.id, entry.deny);
        print(options, toJson(entry), `denied: ${describe(entry, now())}\n`);
      }),
    );
  const remove = withEntryOptions(new Command("remove").description("let a tenant or a key in again")).action(
    action<EntryOptions>(async (options, target) => {
      const id = readId(options);
      const removed = await target.remove(id);
      print(
        options,
        { ...identify(id), removed },
        `${nameOf(id)} ${removed ? "is no longer denied" : "was not denied"}\n`,
      );
    }),
  );

  return new Command("deny")
    .description("show and change who is denied, on NATS, a snapshot file or Workers KV")
    .addCommand(list)
    .addCommand(add)
    .addCommand(remove);
}

function print({ json }: TargetOptions, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : text);
}

function withTargetOptions(command: Command): Command {
  return command
    .option("--json", "machine-readable output")
    .option("--config <file>", "the gateway's config file, for what is not given here")
    .option("--nats-url <url>", "NATS over WebSocket (ws:// or wss://)")
    .option("--nats-creds-file <file>", "credentials for NATS")
    .option("--bucket <name>", "JetStream KV bucket")
    .option("--snapshot <file>", "a snapshot file that is the gateway's source")
    .option("--binding <name>", "Workers KV: the namespace's binding in the wrangler config")
    .option("--namespace-id <id>", "Workers KV: the namespace's id")
    .addOption(new Option("--local", "Workers KV: local storage (default)").conflicts("remote"))
    .option("--remote", "Workers KV: the namespace at Cloudflare")
    .option("--wrangler-config <file>", "Workers KV: wrangler's config file")
    .option("--persist-to <dir>", "Workers KV: where the local storage is");
}

function withEntryOptions(command: Command): Command {
  return withTargetOptions(command)
    .addOption(u64Option("--tenant <id>", "the tenant, and so all its keys"))
    .addOption(u64Option("--key-id <id>", "one key"));
}

/** The options that choose a place or say more of it. */
const OPTIONS_OF = {
  NATS: { natsUrl: "--nats-url", natsCredsFile: "--nats-creds-file", bucket: "--bucket" },
  "a snapshot file": { snapshot: "--snapshot" },
  "Workers KV": {
    binding: "--binding",
    namespaceId: "--namespace-id",
    local: "--local",
    remote: "--remote",
    wranglerConfig: "--wrangler-config",
    persistTo: "--persist-to",
  },
} as const satisfies Record<string, Partial<Record<keyof TargetOptions, string>>>;

/** An option that would be ignored may stand for a place that was meant and not named. */
function refuseOptionsOfOthers(options: TargetOptions, chosen: keyof typeof OPTIONS_OF): void {
  for (const [owner, flags] of Object.entries(OPTIONS_OF)) {
    const given = Object.entries(flags).find(([name]) => owner !== chosen && name in options);
    if (given !== undefined)
      throw usageError(`${given[1]} is for ${owner}, and this command would go to ${chosen}`);
  }
}

/** An option beats the config; NATS beats the file, which is then its cache. */
async function chooseTarget(
  options: TargetOptions,
  loadConfig: DenyCommandDeps["loadConfig"],
): Promise<DenyTarget> {
  const { natsUrl, snapshot, binding, namespaceId } = options;
  const given = [
    natsUrl !== undefined && "--nats-url",
    snapshot !== undefined && "--snapshot",
    binding !== undefined && "--binding",
    namespaceId !== undefined && "--namespace-id",
  ].filter((name) => name !== false);
  if (given.length > 1) throw usageError(`${given.join(" and ")}: give one of them`);
  if (snapshot !== undefined) return fileTarget(options, snapshot);
  if (binding !== undefined || namespaceId !== undefined) {
    refuseOptionsOfOthers(options, "Workers KV");
    return (await import("./cli-workers.ts")).workersTarget({ args: wranglerArgs(options) });
  }

  const config = loadConfig(options.config);
  const url = natsUrl === undefined ? config.natsUrl : readServers(natsUrl);
  if (url !== undefined) {
    refuseOptionsOfOthers(options, "NATS");
    const natsCredsFile = options.natsCredsFile ?? config.natsCredsFile;
    const access = { natsUrl: url, natsCreds: config.natsCreds, natsCredsFile };
    return (await import("./cli-nats.ts")).natsTarget(access, options.bucket ?? config.configBucket);
  }
  if (config.snapshotPath !== undefined) return fileTarget(options, config.snapshotPath);
  throw usageError(
    "nowhere to look: give --nats-url, --snapshot, --binding or --namespace-id, or set nats_url or snapshot_path in the config",
  );
}

async function fileTarget(options: TargetOptions, path: string): Promise<DenyTarget> {
  refuseOptionsOfOthers(options, "a snapshot file");
  return (await import("./cli-snapshot.ts")).snapshotTarget(path);
}

/** Not commander's error, which would repeat what was given, password and all. */
function readServers(natsUrl: string): string {
  try {
    return natsServers.read(natsUrl, { key: "--nats-url", variable: undefined });
  } catch (error) {
    throw error instanceof ConfigError ? usageError(error.message) : error;
  }
}

function wranglerArgs({ binding, namespaceId, remote, wranglerConfig, persistTo }: TargetOptions): string[] {
  return [
    ...(binding === undefined ? [] : ["--binding", binding]),
    ...(namespaceId === undefined ? [] : ["--namespace-id", namespaceId]),
    remote ? "--remote" : "--local",
    ...(wranglerConfig === undefined ? [] : ["--config", wranglerConfig]),
    ...(persistTo === undefined ? [] : ["--persist-to", persistTo]),
  ];
}

function readId({ tenant, keyId }: EntryOptions): DenyId {
  if ((tenant === undefined) === (keyId === undefined)) {
    throw usageError("give either --tenant or --key-id");
  }
  const words = new Uint32Array(2);
  parseU64(tenant ?? keyId ?? "", words); // the options take nothing else
  return { kind: tenant === undefined ? "key" : "tenant", high: words[0]!, low: words[1]! };
}

function readDeny(options: AddOptions, now: number): Deny {
  if (options.for === undefined) return { reason: options.reason, expiresAt: 0 };
  const seconds = parseDuration(options.for);
  const expiresAt = seconds === undefined ? undefined : Math.ceil(now / 1000) + seconds;
  if (expiresAt === undefined || expiresAt > 0xffff_ffff) {
    throw usageError("--for: not a duration such as 30s, 15m, 1h, 7d or 1h30m");
  }
  return { reason: options.reason, expiresAt };
}

/** Whole seconds of `1d2h3m4s` with any of the parts left out; undefined for anything else, and for nothing at all. */
function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const total = ((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!;
  return total > 0 ? total : undefined;
}

const byKindAndId = (a: ListedDeny, b: ListedDeny): number =>
  b.id.kind.localeCompare(a.id.kind) || a.id.high - b.id.high || a.id.low - b.id.low;

const nameOf = (id: DenyId): string => `${id.kind} ${formatU64(id.high, id.low)}`;

function describe({ id, deny }: ListedDeny, now: number): string {
  if (deny.expiresAt === 0) return `${nameOf(id)}  ${deny.reason}`;
  const over = deny.expiresAt * 1000 <= now ? " (over)" : "";
  return `${nameOf(id)}  ${deny.reason}  until ${formatExpiresAt(deny.expiresAt)}${over}`;
}

function identify(id: DenyId) {
  return { key: formatDenyKey(id), [id.kind === "key" ? "key_id" : "tenant_id"]: formatU64(id.high, id.low) };
}

const toJson = ({ id, deny }: ListedDeny) => ({
  ...identify(id),
  reason: deny.reason,
  ...(deny.expiresAt !== 0 && { expires_at: formatExpiresAt(deny.expiresAt) }),
});
