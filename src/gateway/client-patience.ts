/** The limit for a client that neither sends its body nor reads its response. */
import type { Config } from "../config/keys.ts";
import { CONNECT_RETRIES } from "./ports.ts";

/**
 * Milliseconds in which nothing may pass in either direction before the client is given up. A provider has been given up
 * long before, so it is the client that stalls.
 */
export function clientPatienceMs({ connectTimeoutSecs, writeTimeoutSecs, readTimeoutSecs }: Config): number {
  return ((1 + CONNECT_RETRIES) * connectTimeoutSecs + writeTimeoutSecs + readTimeoutSecs) * 1000;
}
