/** The bytes that begin a response (RFC 9112 §4). */
import type { HeaderList } from "../../../../src/gateway/ports.ts";
import { breaksLines } from "../message-head.ts";

/** Of the statuses that the gateway answers by itself. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Latin-1 text. `more` are whole lines of ours. Throws a `TypeError` for what cannot stand in a head; the message holds none of it. */
export function formatResponseHead(
  status: number,
  headers: HeaderList,
  more: string,
  reason = REASONS[status] ?? "",
): string {
  if (breaksLines(reason) || headers.some(breaksLines)) throw new TypeError("a header with a line break");
  let head = `HTTP/1.1 ${status} ${reason}\r\n`;
  let isDated = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    isDated ||= name.length === 4 && name.toLowerCase() === "date";
    head += `${name}: ${headers[i + 1]!}\r\n`;
  }
  return `${head}${isDated ? "" : dateLine()}${more}\r\n`;
}

let second = 0;
let line = "";

/** RFC 9110 §6.6.1. Made once a second. */
function dateLine(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    line = `date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return line;
}
