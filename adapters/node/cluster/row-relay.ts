/** Takes whole lines out of what a worker writes. */

/** Resolves at the end of the stream, false if it ended in the middle of a line, which is then dropped. */
export async function relayLines(
  stream: AsyncIterable<Buffer>,
  onLine: (line: string) => void,
): Promise<boolean> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf("\n");
    if (end === -1) {
      rest = Buffer.concat([rest, chunk]);
      continue;
    }
    // Decoded only up to a line's end, so that no character is cut.
    const lines = Buffer.concat([rest, chunk.subarray(0, end)]).toString();
    for (const line of lines.split("\n")) onLine(line);
    rest = chunk.subarray(end + 1);
  }
  return rest.length === 0;
}
