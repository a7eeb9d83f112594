/** The agent's `fetch` on Node. */
import { Agent, fetch as undiciFetch } from "undici";
import type { FetchPort } from "../../../src/agent/index.ts";

/** undici would give up after 300 s of silence; a model that thinks may take longer, and the transport has its own limit. */
export function createFetch(): FetchPort {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  return (url, init) => undiciFetch(url, { ...init, dispatcher });
}
