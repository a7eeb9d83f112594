/** How what is left of a long string is passed, escapes and all: by SIMD where bytes may become code, else by words. */
import type { ChunkWords } from "../byte-search.ts";
import { openSimdPass } from "./simd-pass.ts";
import { createWordPass } from "./word-pass.ts";

export interface LongPass {
  /** By how many bytes the escapes of the last `pass` are longer than what they stand for, in UTF-8. */
  readonly shrunk: number;
  /**
   * Returns where passing ended in `[from, to)`: at the closing quote, at `to`, or at an escape that is cut, no Unicode
   * text or no JSON.
   */
  pass(words: ChunkWords, from: number, to: number): number;
}

let longPass: LongPass | undefined;

/** The one that all scanners share: nothing of a pass outlives it. */
export function openLongPass(): LongPass {
  longPass ??= openSimdPass() ?? createWordPass();
  return longPass;
}
