/** What a micro benchmark is: a function to time, and the bar of issue 6 that it is held against. */

export interface MicroCase {
  readonly name: string;
  /** Run over and over. Throws when the answer is wrong. */
  readonly run: () => unknown;
  /** What one run does so many times; the figure is for one. */
  readonly calls?: number;
  /** The body that one run takes in: the figure is then MB/s and not ns. */
  readonly bytes?: number;
  readonly bar?: MicroBar;
}

export type MicroBar =
  | { readonly atLeastMbPerSec: number }
  /** `noHeap`: besides, nothing is allocated. */
  | { readonly atMostNs: number; readonly noHeap?: boolean };

export function check(isRight: boolean, name: string): void {
  if (!isRight) throw new Error(`wrong answer: ${name}`);
}

/** One piece of memory: a rope would be flattened, and charged, when it is first read. */
export const flat = (text: string): string => Buffer.from(text).toString("latin1");

/** A body as a transport would hand it on. */
export function cut(body: Uint8Array, chunkBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < body.length; i += chunkBytes) chunks.push(body.subarray(i, i + chunkBytes));
  return chunks;
}

/** Enough that a loop around them, or a reading of the heap, is not what is measured. */
const BATCH = 1000;

/** `call` with one value after the other, a batch a run, all over again after the last. */
export function calling<T>(
  values: readonly T[],
  call: (value: T) => void,
): Required<Pick<MicroCase, "run" | "calls">> {
  let from = 0;
  const run = (): void => {
    for (let i = from; i < from + BATCH; i++) call(values[i]!);
    from = (from + BATCH) % values.length;
  };
  return { run, calls: BATCH };
}
