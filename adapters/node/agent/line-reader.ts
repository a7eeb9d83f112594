/** Reads newline-delimited records from bytes. LF alone ends a record, so that U+2028 inside JSON is a character like any other. */

/** A record, or how many bytes of one were thrown away because it was too long. */
export type LineRecord = { readonly line: Uint8Array } | { readonly skippedBytes: number };

const LF = 10;

/** A last record without its LF counts. Never holds more than `maxBytes` of a record. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<LineRecord> {
  let parts: Uint8Array[] = [];
  let bytes = 0;

  function take(part: Uint8Array): void {
    bytes += part.length;
    if (bytes > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  }

  function end(): LineRecord {
    const record = bytes > maxBytes ? { skippedBytes: bytes } : { line: Buffer.concat(parts) };
    parts = [];
    bytes = 0;
    return record;
  }

  for await (const chunk of chunks) {
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, lf));
      yield end();
      from = lf + 1;
    }
    take(chunk.subarray(from));
  }
  if (bytes > 0) yield end();
}
