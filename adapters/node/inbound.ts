/** A node:http request as the plain values that admission takes. */
import type { IncomingMessage } from "node:http";
import type { Inbound } from "../../src/gateway/inbound.ts";

export function inboundOf(request: IncomingMessage): Inbound {
  const target = originForm(request.url ?? "/");
  const mark = target.indexOf("?");
  return {
    method: request.method ?? "GET",
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? "" : target.slice(mark),
    headers: request.rawHeaders,
  };
}

/** RFC 9112 §3.2.2: a server accepts the absolute form, and the authority in it counts for nothing here. */
function originForm(target: string): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
  if (!absolute) return target.startsWith("/") ? target : `/${target}`;
  const rest = target.slice(absolute[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}
