/** A config as it may be printed. */

import { formatListenAddress } from "./address.ts";
import { CONFIG_FIELDS, CONFIG_KEYS, type Config, keyName } from "./keys.ts";

const REDACTED = "[redacted]";

/** Every key as the file spells it, unset ones left out, secrets replaced by `[redacted]`. Plain JSON. */
export function redacted(config: Config): Readonly<Record<string, unknown>> {
  const printed: Record<string, unknown> = {};
  for (const field of CONFIG_FIELDS) {
    const value = config[field];
    if (value === undefined) continue;
    const secret = CONFIG_KEYS[field].secret;
    printed[keyName(field)] =
      secret === undefined ? plain(field, config) : secret === "url" ? bareUrls(value) : hide(value);
  }
  return printed;
}

function plain(field: keyof Config, config: Config): unknown {
  if (field === "listen" || field === "metricsListen") return formatListenAddress(config[field]);
  return config[field];
}

/** Shows how many secrets there are, and under which names. */
function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => REDACTED);
  if (typeof value !== "object" || value === null) return REDACTED;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, hide(entry)]));
}

/** One URL or a list of them. */
const bareUrls = (value: unknown): string =>
  String(value)
    .split(/,(?=\w+:\/\/)/)
    .map(bareUrl)
    .join(",");

/** Scheme, host and path: user name, password and query may each be a token. */
function bareUrl(url: string): string {
  if (!URL.canParse(url)) return REDACTED;
  const { protocol, username, password, host, pathname, search, hash } = new URL(url);
  const user = username + password === "" ? "" : `${REDACTED}@`;
  return `${protocol}//${user}${host}${pathname}${search + hash === "" ? "" : `?${REDACTED}`}`;
}
