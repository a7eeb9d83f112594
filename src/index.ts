/** beyond-ai as a library: the gateway for any Web-standard runtime. */

export { ConfigError } from "./config/config-error.ts";
export type { Config } from "./config/keys.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway/create-gateway.ts";
export { createFetchUpstream, type FetchUpstreamOptions } from "./gateway/fetch-upstream.ts";
export {
  type AllowCredential,
  type BodyDecoder,
  type Clock,
  type CreateDecoder,
  type DenyReason,
  type DenySource,
  type HeaderList,
  type Log,
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
  type VerifySignature,
} from "./gateway/ports.ts";
export { formatRow, type Outcome, type UsageRow, type UsageSource } from "./gateway/row.ts";
export { mintVirtualKey, type VirtualKey } from "./keys/virtual-key.ts";
