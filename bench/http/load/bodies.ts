/** The request bodies, by what they are for. */
import { OUTPUT_TOKENS } from "../answers.ts";

const MODEL = "gpt-5-mini";
const KIB = 1024;
const PARAGRAPH =
  'The clerk said: "a relay hands on what it is given, and keeps an account of it."\nNobody asked what the account was for. ';

export const SMALL_BODY = chat("Say in a paragraph what a relay does, and why it should be quick.");

/** The provider knows by the first member that a stream is wanted. Usage is not asked for: that is the gateway's work. */
export const STREAM_BODY = chat("Count the stars.", { stream: true, max_tokens: OUTPUT_TOKENS.stream });

export const PROMPT_BODY = chat(PARAGRAPH.repeat(Math.floor((100 * KIB) / JSON.stringify(PARAGRAPH).length)));

/** A prompt that fills the size: what stands before, a piece to repeat, and what stands after. */
export function uploadParts(totalBytes: number): {
  head: Buffer;
  piece: Buffer;
  pieces: number;
  tail: Buffer;
} {
  const [before = "", after = ""] = chat("|").toString().split("|");
  const piece = Buffer.from("All work and no play. ".repeat(3000).slice(0, 64 * KIB));
  return {
    head: Buffer.from(before),
    piece,
    pieces: Math.floor(totalBytes / piece.length),
    tail: Buffer.from(after),
  };
}

function chat(content: string, first: object = {}): Buffer<ArrayBuffer> {
  return Buffer.from(
    JSON.stringify({ ...first, model: MODEL, messages: [{ role: "user", content }], temperature: 0.2 }),
  );
}
