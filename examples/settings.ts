/** What the examples run with: your keys from the environment. `beyond-ai` is imported from the sources here; yours comes from npm. */
import type { GatewayOptions } from "../src/index.ts";

const { OPENAI_API_KEY, SIGNING_KEY, UPSTREAM } = process.env;

export const settings: GatewayOptions = {
  // kid → public key, as `beyond-ai keygen` prints it.
  ...(SIGNING_KEY && { signingKeys: { 1: SIGNING_KEY } }),
  ...(OPENAI_API_KEY && { poolKeys: { openai: OPENAI_API_KEY } }),
  // A stand-in for api.openai.com, such as `127.0.0.1:9999`.
  ...(UPSTREAM && { providerAuthorities: { openai: UPSTREAM }, upstreamTls: false }),
};
