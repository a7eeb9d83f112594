/** Splits a worker's output into lines. */

/** Resolves at the end of the stream, false if it ended in the middle of a line, which is then dropped. */
export async function relayLines(
  stream: AsyncIterable<Buffer>,
  onLine: (line: string) => void,
): Promise<boolean> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf("\n");
    // Decoded only up to a line's end, so that no character is cut.
    if (end !== -1) for (const line of bytes.toString("utf8", 0, end).split("\n")) onLine(line);
    rest = bytes.subarray(end + 1);
  }
  return rest.length === 0;
}
