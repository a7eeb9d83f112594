/** Where a benchmark keeps its files. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killAllChildren } from "./child.ts";

/** Whichever way the harness ends, Ctrl-C included, it leaves neither this folder nor a child behind. */
export function openHarnessFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "beyond-ai-bench-"));
  process.once("exit", () => {
    killAllChildren();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(130));
  return folder;
}
