/** Whether `serve` would find its deny-set, asked through the very source that it uses. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../../src/config/keys.ts";
import type { Log } from "../../../src/gateway/ports.ts";
import { createServerDenySource } from "../deny/index.ts";
import { codeOf } from "../errors.ts";
import type { Check } from "./checks.ts";

export async function checkDenySource(config: Config): Promise<Check[]> {
  const { natsUrl, snapshotPath } = config;
  if (natsUrl === undefined && snapshotPath === undefined) {
    return [{ name: "deny source", ok: true, detail: "none configured: nobody is denied" }];
  }
  const source = await askSource(config);
  return natsUrl !== undefined && snapshotPath !== undefined
    ? [source, checkCacheFile(snapshotPath)]
    : [source];
}

async function askSource(config: Config): Promise<Check> {
  const { natsUrl, natsCreds, natsCredsFile, configBucket, snapshotPath, denyRescanSecs } = config;
  const isFile = natsUrl === undefined;
  const complaints: string[] = [];
  const log: Log = (level, message, fields) => {
    if (level !== "warn" && level !== "error") return;
    complaints.push(typeof fields?.error === "string" ? `${message} (${fields.error})` : message);
  };
  const source = createServerDenySource({
    ...(natsUrl !== undefined && { natsUrl }),
    natsCreds,
    natsCredsFile,
    bucket: configBucket,
    // Beside NATS the file is a running gateway's cache, which is its own to write.
    snapshotPath: isFile ? snapshotPath : undefined,
    rescanSecs: denyRescanSecs,
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    log,
  });
  await source.start();
  const isDown = isFile ? source.connected() === false : source.connected() !== true;
  const entries = source.size();
  // Not waited for: a connection that hangs must not hang the doctor.
  void source.close();
  const name = "deny source";
  const what = isFile ? `snapshot file ${snapshotPath}` : `NATS bucket ${configBucket}`;
  if (!isDown) return { name, ok: true, detail: `${what}: ${entries} denied` };
  return {
    name,
    ok: false,
    detail: `${what}: ${complaints.at(-1) ?? "no answer in time"}`,
    hint: isFile
      ? "check snapshot_path; `beyond-ai deny add` makes the file"
      : "check nats_url (the server's WebSocket listener), nats_creds and config_bucket; until then nobody new is denied",
  };
}

function checkCacheFile(path: string): Check {
  const name = "deny cache";
  try {
    // Each new version is written beside it and takes its place.
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    if (existsSync(path)) accessSync(path, constants.R_OK);
    return { name, ok: true, detail: path };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: `${path}: ${codeOf(error)}`,
      hint: "snapshot_path must be in a folder that can be written",
    };
  }
}
