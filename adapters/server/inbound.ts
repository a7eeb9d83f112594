/** A request as it stands on the wire, as the plain values that admission takes. */
import type { Inbound } from "../../src/gateway/inbound.ts";
import type { HeaderList } from "../../src/gateway/ports.ts";

/** `requestTarget` is that of the request line. */
export function inboundOf(method: string, requestTarget: string, headers: HeaderList): Inbound {
  const target = originForm(requestTarget);
  const mark = target.indexOf("?");
  return {
    method,
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? "" : target.slice(mark),
    headers,
  };
}

/** RFC 9112 §3.2.2: a server accepts the absolute form, and the authority in it counts for nothing here. */
function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
  const rest = absolute ? target.slice(absolute[0].length) : target;
  return rest.startsWith("/") ? rest : `/${rest}`;
}
