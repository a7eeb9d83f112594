/** Passes strings where they stand, without copying any of their bytes: nearly all are whole in a chunk, and most text is in few. */
import { type ChunkWords, findEither } from "./byte-search.ts";
import { BACKSLASH, QUOTE } from "./json-bytes.ts";
import { type LongPass, openLongPass } from "./long-strings/long-pass.ts";

/** Most strings end within these. As many as the longest value that is kept. */
const NEAR_BYTES = 256;

export class StringPasser {
  /** Decoded UTF-8 bytes of what was passed. */
  size = 0;
  /** Where passing ended: at the closing quote, at the end of the chunk, or at an escape that it leaves alone. */
  reached = 0;
  /** So many bytes, or more where these are `NEAR_BYTES`, come before its first escape: they stand as they are. */
  plain = 0;
  #long: LongPass | undefined;

  /**
   * Returns the index of the closing quote, or -1 where `StringDecoder` must go on: with a string that is not whole in
   * `[from, to)`, and with an escape that is cut, no Unicode text or no JSON.
   * @param from just past the opening quote
   */
  pass(words: ChunkWords, from: number, to: number): number {
    const { bytes } = words;
    const near = to - from > NEAR_BYTES ? from + NEAR_BYTES : to;
    let i = findEither(words, from, near, QUOTE, BACKSLASH);
    this.plain = i - from;
    let shrunk = 0;
    if (i < to && bytes[i] !== QUOTE) {
      this.#long ??= openLongPass();
      i = this.#long.pass(words, i, to);
      shrunk = this.#long.shrunk;
    }
    this.size = i - from - shrunk;
    this.reached = i;
    return i < to && bytes[i] === QUOTE ? i : -1;
  }
}
