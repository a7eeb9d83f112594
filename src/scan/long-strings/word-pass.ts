/** Passes strings by the word, in JavaScript alone. */
import { type ChunkWords, findEither } from "../byte-search.ts";
import { BACKSLASH, QUOTE } from "../json-bytes.ts";
import { escapedSize, escapeLength } from "../json-escapes.ts";
import type { LongPass } from "./long-pass.ts";

export function createWordPass(): LongPass {
  return new WordPass();
}

class WordPass implements LongPass {
  shrunk = 0;
  depth = 0;
  readonly text = 0;

  /** Words have nothing on the bytes that the caller reads. */
  skip(_words: ChunkWords, from: number, _to: number, depth: number): number {
    this.depth = depth;
    return from;
  }

  pass(words: ChunkWords, from: number, to: number): number {
    const { bytes } = words;
    let shrunk = 0;
    let i = findEither(words, from, to, QUOTE, BACKSLASH);
    while (i < to && bytes[i] !== QUOTE) {
      const raw = escapeLength(bytes, i, to);
      if (raw === 0) break;
      shrunk += raw - escapedSize(bytes, i, raw);
      i = findEither(words, i + raw, to, QUOTE, BACKSLASH);
    }
    this.shrunk = shrunk;
    return i;
  }
}
