/** What the benchmarks themselves run on. */
import { cpus } from "node:os";

/** "2026-11-22, Node 24.21.0, Intel(R) Xeon(R) Processor" */
export function describeRuntime(): string {
  const { bun, node } = process.versions;
  const runtime = bun === undefined ? `Node ${node}` : `Bun ${bun}`;
  return [new Date().toISOString().slice(0, 10), runtime, cpus()[0]?.model ?? "unknown"].join(", ");
}
