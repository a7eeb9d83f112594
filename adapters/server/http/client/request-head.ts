/** The bytes that begin a request (RFC 9112 §3). */
import type { HeaderList } from "../../../../src/gateway/ports.ts";
import { breaksLines } from "../message-head.ts";

export interface RequestLine {
  readonly method: string;
  /** Origin form. */
  readonly path: string;
  readonly host: string;
}

/**
 * Latin-1 text. A body that is streamed without a declared length goes up in chunks.
 * Throws a `TypeError` for what cannot stand in a head; the message holds none of it.
 */
export function formatRequestHead(line: RequestLine, headers: HeaderList, chunked: boolean): string {
  if (headers.some(breaksLines)) throw new TypeError("a header with a line break");
  let head = `host: ${line.host}\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    head += `${headers[i]!}: ${headers[i + 1]!}\r\n`;
  }
  if (chunked) head += "transfer-encoding: chunked\r\n";
  const target = `${line.method} ${line.path}`;
  if (breaksLines(target) || line.path.includes(" "))
    throw new TypeError("a request target with white space");
  return `${target} HTTP/1.1\r\n${head}\r\n`;
}
