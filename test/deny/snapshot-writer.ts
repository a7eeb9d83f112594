/** A child process for snapshot-kill.test.ts: writes changes to a snapshot file and prints each number that is on disk. */

import { SnapshotCache } from "../../adapters/server/deny/snapshot-cache.ts";
import { DenySet } from "../../src/deny/deny-set.ts";
import { changeOf } from "./snapshot-changes.ts";

const set = new DenySet(Date.now);
let revision = 0;
const cache = new SnapshotCache({
  path: process.argv[2]!,
  set,
  now: Date.now,
  position: () => ({ stream: "test", revision }),
  log: () => undefined,
});
revision = (await cache.load())?.revision ?? 0;

for (;;) {
  const burst = 1 + Math.floor(Math.random() * 400);
  for (let n = 0; n < burst; n++) {
    const { id, deny } = changeOf(++revision);
    if (deny === undefined) set.delete(id);
    else set.set(id, deny);
    cache.append({ id, deny, revision });
  }
  if (Math.random() < 0.1) cache.replace();
  const acknowledged = revision;
  const flushed = cache.flush().then((onDisk) => {
    if (onDisk) process.stdout.write(`${acknowledged}\n`);
  });
  // Some bursts come while the writer is at work on the ones before, a whole replacement of the file included.
  await (Math.random() < 0.5 ? flushed : new Promise(setImmediate));
}
