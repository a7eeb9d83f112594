/** A Web `Request` as the gateway's steps take it. */
import type { Inbound } from "./inbound.ts";

/** Path and query as the runtime gives them: its URL parser has normalised them already. */
export function inboundOf(request: Request, mountDepth = 0): Inbound {
  const { url } = request;
  const hash = url.indexOf("#");
  const end = hash === -1 ? url.length : hash;
  let start = url.indexOf("/", url.indexOf("//") + 2);
  for (let segment = 0; segment < mountDepth; segment++) {
    const next = url.indexOf("/", start + 1);
    if (next === -1) break;
    start = next;
  }
  const mark = url.indexOf("?", start);
  const headers: string[] = [];
  for (const [name, value] of request.headers) headers.push(name, value);
  return {
    method: request.method,
    path: url.slice(start, mark === -1 ? end : mark),
    query: mark === -1 ? "" : url.slice(mark, end),
    headers,
  };
}
