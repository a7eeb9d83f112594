/** How long strings are passed, escapes and all, and long subtrees: by SIMD where bytes may become code, else by words. */
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
  /** Of the last `skip`: how deep it stopped, and the decoded bytes of the values that it passed. */
  readonly depth: number;
  readonly text: number;
  /**
   * Passes what is plain of a subtree whose text is counted, data URIs left out. Returns where it stopped in `[from, to)`:
   * at any byte outside strings, or at a quote that opens one.
   * @param depth of `from`, which is outside strings; 1 in the subtree's own object or array, whose closer is not passed
   */
  skip(words: ChunkWords, from: number, to: number, depth: number): number;
}

let longPass: LongPass | undefined;

/** The one that all scanners share: nothing of a pass outlives it. */
export function openLongPass(): LongPass {
  longPass ??= openSimdPass() ?? createWordPass();
  return longPass;
}
