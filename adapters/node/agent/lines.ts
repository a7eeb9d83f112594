/**
 * Walks the lines of a stream of any size; of each line only the first bytes are kept. LF alone ends a line, so that
 * U+2028 inside a line of JSON is a character like any other.
 */

export interface Line {
  /** From 1. */
  readonly number: number;
  /** The first bytes, without the line end. */
  readonly head: Buffer;
  /** All of its bytes, without the line end. */
  readonly bytes: number;
}

const LF = 10;

/** A last line without its line feed counts; nothing after a last line feed does not. */
export async function* eachLine(chunks: AsyncIterable<Buffer>, maxHead: number): AsyncGenerator<Line> {
  let number = 1;
  let head: Buffer[] = [];
  let kept = 0;
  let bytes = 0;

  function take(part: Buffer): void {
    bytes += part.length;
    const piece = part.subarray(0, maxHead - kept);
    kept += piece.length;
    if (piece.length > 0) head.push(piece);
  }

  function line(): Line {
    const ended = { number: number++, head: Buffer.concat(head), bytes };
    head = [];
    kept = 0;
    bytes = 0;
    return ended;
  }

  for await (const chunk of chunks) {
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, lf));
      yield line();
      from = lf + 1;
    }
    take(chunk.subarray(from));
  }
  if (bytes > 0) yield line();
}
