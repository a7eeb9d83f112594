import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { readSnapshot } from "../../adapters/server/deny/snapshot-file.ts";
import { formatDenyKey } from "../../src/deny/entry.ts";
import { createCleanup, temporaryDirectory } from "../support/deny.ts";
import { changeOf } from "./snapshot-changes.ts";

const WRITER = fileURLToPath(new URL("./snapshot-writer.ts", import.meta.url));
const KILLS = 200;
/** Processes at a time, each with a file of its own. */
const LANES = 2;

const cleanup = createCleanup();
afterEach(cleanup.run);

it(`enforces what was on disk, and nothing that was removed, after each of ${KILLS} SIGKILLs at random moments`, async () => {
  const { path, remove } = await temporaryDirectory();
  cleanup.defer(remove);
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, n) => runLane(join(path, `${n}.jsonl`))));
  // The writers got somewhere: a test in which nothing was ever acknowledged shows nothing.
  for (const { acknowledged } of lanes) expect(acknowledged).toBeGreaterThan(KILLS);
  // 200 processes, one after the other in each lane.
}, 600_000);

async function runLane(path: string): Promise<{ acknowledged: number }> {
  let acknowledged = 0;
  let revision = 0;
  const state = new Map<string, string>();
  for (let kill = 0; kill < KILLS / LANES; kill++) {
    acknowledged = Math.max(acknowledged, await writeUntilKilled(path, Math.random() * 60));
    const { set, summary } = await readSnapshot(path, Date.now);
    // Exactly the state after some revision, which is no older than the last one that was acknowledged.
    expect(summary.revision).toBeGreaterThanOrEqual(acknowledged);
    while (revision < summary.revision) apply(state, ++revision);
    const held = new Map(Array.from(set.entries(), ([id, deny]) => [formatDenyKey(id), deny.reason]));
    expect(differences(held, state).slice(0, 5)).toEqual([]);
  }
  return { acknowledged };
}

function differences(held: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): string[] {
  const keys = new Set([...held.keys(), ...expected.keys()]);
  return [...keys].filter((key) => held.get(key) !== expected.get(key));
}

function apply(state: Map<string, string>, revision: number): void {
  const { id, deny } = changeOf(revision);
  if (deny === undefined) state.delete(formatDenyKey(id));
  else state.set(formatDenyKey(id), deny.reason);
}

/** The last number that the writer printed before it died, `lifeMs` after its first. */
function writeUntilKilled(path: string, lifeMs: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), lifeMs);
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1))));
  });
}
