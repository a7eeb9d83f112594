/** Who may see the live page: with `admin_token` whoever has it, without one this machine alone. */
import { createHash, timingSafeEqual } from "node:crypto";

/** `needs_token`: there is an `admin_token` and it did not come. `forbidden`: there is none, and it is not loopback that asks. */
export type Access = "granted" | "needs_token" | "forbidden";

export interface Visit {
  readonly adminToken: string | undefined;
  /** Of the socket: a forwarding header says what its sender likes. */
  readonly remoteAddress: string | undefined;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * With a token everybody needs it, loopback too: behind a proxy on this machine all the world comes from loopback.
 * Without one, the Host must be a name of loopback as well, or a website could have its own name resolve to 127.0.0.1
 * and read the feed with its visitor's browser (DNS rebinding).
 */
export function checkAccess({ adminToken, remoteAddress, host, authorization }: Visit): Access {
  if (adminToken !== undefined) {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && isEqual(given, adminToken) ? "granted" : "needs_token";
  }
  return isLoopbackAddress(remoteAddress ?? "") && isLoopbackHost(host ?? "") ? "granted" : "forbidden";
}

/** In constant time: the hashes have one length, whatever was given. */
function isEqual(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/** A listener on `::` sees IPv4 as `::ffff:127.0.0.1`. */
function isLoopbackAddress(address: string): boolean {
  return address === "::1" || LOOPBACK_V4.test(address.replace(/^::ffff:/i, ""));
}

/** Any port: it may be forwarded, by SSH for one. RFC 6761 §6.3 keeps `localhost` and all below it for loopback. */
function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "[::1]" || LOOPBACK_V4.test(name) || name === "localhost" || name.endsWith(".localhost");
}
