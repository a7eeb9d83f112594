/** Reads server-sent events from bytes that may be cut anywhere (WHATWG HTML, "Parsing an event stream"). */

/** One event. `event` is empty when the stream named none. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

export interface SseReader {
  /**
   * The events that these bytes completed. Throws `RangeError` when one event outgrows the ceiling.
   * A last event without its blank line is never given: by the standard it did not arrive.
   */
  push(bytes: Uint8Array): SseEvent[];
}

const LF = 10;
const CR = 13;

/** A push parser; `maxEventChars` bounds what one unfinished event may hold. */
export function createSseReader(maxEventChars = 32 * 1024 * 1024): SseReader {
  // Strips a leading byte order mark and keeps a character that a chunk cut in two.
  const decoder = new TextDecoder();
  // A line that came in many chunks is joined once, at its end: appending to one string would be quadratic to scan.
  let pieces: string[] = [];
  let pieceChars = 0;
  let afterCr = false;
  let event = "";
  let data: string[] = [];
  let dataChars = 0;

  function takeLine(last: string): string {
    if (pieces.length === 0) return last;
    pieces.push(last);
    const line = pieces.join("");
    pieces = [];
    pieceChars = 0;
    return line;
  }

  function field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") event = value;
    if (name === "data") {
      data.push(value);
      dataChars += value.length + 1;
    }
  }

  function endLine(line: string, out: SseEvent[]): void {
    if (line !== "") {
      field(line);
      return;
    }
    if (data.length > 0) out.push({ event, data: data.join("\n") });
    event = "";
    data = [];
    dataChars = 0;
  }

  return {
    push(bytes) {
      const text = decoder.decode(bytes, { stream: true });
      const out: SseEvent[] = [];
      let start = 0;
      for (let at = 0; at < text.length; at++) {
        const unit = text.charCodeAt(at);
        if (unit !== LF && unit !== CR) {
          afterCr = false;
          continue;
        }
        // The LF of a CRLF ends no second line, even when the chunk was cut between the two.
        if (unit === CR || !afterCr) endLine(takeLine(text.slice(start, at)), out);
        afterCr = unit === CR;
        start = at + 1;
      }
      if (start < text.length) {
        pieces.push(text.slice(start));
        pieceChars += text.length - start;
      }
      if (pieceChars + dataChars > maxEventChars) throw new RangeError("event larger than the ceiling");
      return out;
    },
  };
}
