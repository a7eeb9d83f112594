/** The config of a gateway that is embedded in an app: without the keys that only our own processes read. */

import { ConfigError } from "./config-error.ts";
import type { Config } from "./keys.ts";
import { type ConfigValues, configFrom } from "./parse.ts";

const OWN_DENY = "pass `deny`, such as `createServerDenySource` of beyond-ai/node";
const OWN_UPSTREAM = "pass `upstream`, such as `createUpstream` of beyond-ai/node";
const OWN_SERVER = "the server that the app runs on decides it";

/** What to do instead of setting the key. */
const HOST_ONLY = {
  listen: OWN_SERVER,
  metricsListen: "serve what `gateway.metrics()` gives",
  adminToken: "there is no live page to protect",
  natsUrl: OWN_DENY,
  natsCreds: OWN_DENY,
  natsCredsFile: OWN_DENY,
  configBucket: OWN_DENY,
  snapshotPath: OWN_DENY,
  denyRescanSecs: OWN_DENY,
  denyCacheSecs: "pass `deny`",
  denyLookupTimeoutMs: "pass `deny`",
  idleTimeoutSecs: OWN_UPSTREAM,
  upstreamHttp2: OWN_UPSTREAM,
  shutdownDelaySecs: OWN_SERVER,
  shutdownGracePeriodSecs: OWN_SERVER,
  logLevel: "pass a `log` that filters",
  workers: OWN_SERVER,
  otlpEndpoint: "pass `onUsage` and export the rows there",
} as const satisfies { readonly [F in keyof Config]?: string };

/** The keys in camel case, as `ConfigValues`. */
export type EmbeddedValues = Omit<ConfigValues, keyof typeof HOST_ONLY>;

/** Throws a `ConfigError` that names the option: one that did nothing without a word might leave nobody denied. */
export function embeddedConfig(values: EmbeddedValues): Config {
  for (const [option, instead] of Object.entries(HOST_ONLY)) {
    const value = (values as ConfigValues)[option as keyof typeof HOST_ONLY];
    if (value === undefined) continue;
    throw new ConfigError(option, `${option} has no effect on an embedded gateway: ${instead}`);
  }
  return configFrom(values);
}
