/** `host:port` texts: where the gateway listens, and where a provider is. */

export interface ListenAddress {
  /** A name, an IPv4 address, or an IPv6 address without its brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `host:port` or `[v6]:port`, both parts given. `undefined` for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = splitAuthority(text);
  if (parts === undefined || parts.port === undefined) return undefined;
  return { host: parts.host.replace(/^\[|\]$/g, ""), port: parts.port };
}

/** `host` or `host:port` → `host:port`, lower case, port 443 when none is given. `undefined` for URLs, paths, user names and port 0. */
export function parseAuthority(text: string): string | undefined {
  const parts = splitAuthority(text);
  if (parts === undefined || parts.port === 0) return undefined;
  return `${parts.host.toLowerCase()}:${parts.port ?? 443}`;
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitAuthority(text: string): { host: string; port: number | undefined } | undefined {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(text);
  const host = match?.[1];
  if (host === undefined || !isHost(host)) return undefined;
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  return port !== undefined && port > 65_535 ? undefined : { host, port };
}

function isHost(host: string): boolean {
  if (host.startsWith("[")) return URL.canParse(`http://${host}/`);
  if (host.length > 253 || !/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(host)) return false;
  if (host.includes("..")) return false;
  // A name whose last label is a number is an IPv4 address or a slip (WHATWG URL, "ends in a number").
  if (!/(?:^|\.)[0-9]+$/.test(host)) return true;
  return /^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}$/.test(host);
}
