/** Times one benchmark with mitata, and holds the figure against its bar. */
import { type k_options, measure } from "mitata";
import type { MicroCase } from "./case.ts";

export interface MicroResult {
  readonly name: string;
  /** Of a call, the median over the runs. */
  readonly ns: number;
  /** Of bodies alone. */
  readonly mbPerSec?: number;
  /**
   * What a call allocates, in bytes: the least that any of the runs gave, for others hold what the JIT took meanwhile.
   * `undefined` on runtimes that do not say (Bun).
   */
  readonly heapBytes: number | undefined;
  readonly bar?: MicroCase["bar"];
  readonly met?: boolean;
}

/** The reading itself allocates too; spread over a run's calls that is below this. */
const NO_HEAP_BYTES = 1;

const isNode = process.versions.bun === undefined;
// Bun's collector tells no sizes that a call could be charged with.
const OPTIONS: k_options = isNode ? { heap: () => process.memoryUsage().heapUsed } : {};

export async function measureCase({ name, run, calls = 1, bytes, bar }: MicroCase): Promise<MicroResult> {
  const { p50, heap } = await measure(run, { ...OPTIONS });
  const result = {
    name,
    ns: p50 / calls,
    heapBytes: heap && heap.min / calls,
    ...(bytes !== undefined && { mbPerSec: (bytes * 1000) / p50 }),
  };
  return bar === undefined ? result : { ...result, bar, met: isMet(bar, result) };
}

function isMet(
  bar: NonNullable<MicroCase["bar"]>,
  { ns, mbPerSec = 0, heapBytes = 0 }: MicroResult,
): boolean {
  if ("atLeastMbPerSec" in bar) return mbPerSec >= bar.atLeastMbPerSec;
  return ns <= bar.atMostNs && (bar.noHeap !== true || heapBytes < NO_HEAP_BYTES);
}
