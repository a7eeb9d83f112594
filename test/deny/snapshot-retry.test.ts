import * as files from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { createCleanup, createTestSource, recordLog, temporaryDirectory } from "../support/deny.ts";
import { until } from "../support/until.ts";

/** While true, the process has no descriptor left. */
let isExhausted = false;
let refused = 0;

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof files>();
  const open: typeof original.open = async (...args) => {
    if (!isExhausted) return original.open(...args);
    refused++;
    throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
  };
  return { ...original, open };
});

const cleanup = createCleanup();
afterEach(cleanup.run);

it("reads the snapshot file again when it could not be opened for a reason that passes, and says so once", async () => {
  const { path: directory, remove } = await temporaryDirectory();
  cleanup.defer(remove);
  const path = join(directory, "deny.jsonl");
  await files.writeFile(path, '{"format":"beyond-ai-deny/1","revision":0}\n');
  const { log, messages } = recordLog();
  const source = createTestSource({ snapshotPath: path, log });
  cleanup.defer(source.close);
  await source.start();

  await files.appendFile(path, '{"key":"blackhole.1","value":"spend"}\n');
  isExhausted = true;
  await until(() => refused >= 2);
  expect(source.connected()).toBe(false);
  isExhausted = false;
  await until(() => source.lookup("1", undefined) === "spend");
  expect(source.connected()).toBeUndefined();
  expect(messages("error")).toEqual(["deny snapshot unusable, the last good set stays"]);
});
