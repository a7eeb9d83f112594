/** What a runtime other than Node or Bun as one process cannot give, each with its reason. The suite fails when one of these begins to hold. */

/** Check id to reason. A check that holds at times is left out, since neither outcome tells anything. */
export type Gaps = Readonly<Record<string, string | { readonly atTimes: string }>>;

const NORMALISED =
  "the URL parser of the runtime resolves `.` and `..` and rewrites some characters before the gateway sees the path; what is checked is what is forwarded";

/** The same on every runtime whose server hands out `Request` objects. */
const REQUEST_OBJECTS: Gaps = {
  "endpoints/byo-verbatim:/openai/v1/models/%2e%2e/files": NORMALISED,
  "endpoints/byo-verbatim:/openai/v1/../x": NORMALISED,
  "endpoints/byo-verbatim:/openai/v1/a//b/./c": NORMALISED,
  "endpoints/byo-verbatim:/openai/v1/a\\b": NORMALISED,
  "endpoints/byo-verbatim:/openai/v1/x?q='\"<>": NORMALISED,
  "uploads/get-body":
    "`fetch` takes no body for a GET, where it has no meaning (RFC 9110 §9.3.1): it is left out",
};

/** A managed path that reaches the gateway resolved is judged, and forwarded, as what it resolves to. */
const RESOLVED: Gaps = {
  "endpoints/trick:/openai/v1/models/./gpt": NORMALISED,
  "endpoints/trick:/openai/../openai/v1/models": NORMALISED,
};

const CF_WORKER = "workerd adds `cf-worker` to what a Worker fetches, as Cloudflare does";
const SILENT_DISCONNECT =
  "workerd learns that a client left when it next writes to it, and here the provider is silent";

export const WORKERS_GAPS: Gaps = {
  ...REQUEST_OBJECTS,
  "hygiene/managed-up": CF_WORKER,
  "hygiene/byo-up": `${CF_WORKER}; and the edge's own cf-*, x-forwarded-* and x-real-ip are dropped (gateway.md §5)`,
  "hygiene/byo-bare": CF_WORKER,
  "fixtures/managed:openai-chat-json-br":
    "workerd's DecompressionStream knows gzip and deflate alone, so a brotli body is not metered",
  "rows/no-head":
    "a fetch that fails does not tell whether the provider had the request, so it is not billed",
  "streaming/cancel-before-head-managed": SILENT_DISCONNECT,
  "streaming/cancel-before-head-byo": SILENT_DISCONNECT,
  "streaming/cancel-after-head-managed": SILENT_DISCONNECT,
  "streaming/cancel-after-head-byo": SILENT_DISCONNECT,
  "rows/cancelled-partial": SILENT_DISCONNECT,
  "breaker/client-left": SILENT_DISCONNECT,
  "limits/outgrown-after-head-upstream": {
    atTimes:
      "workerd completes a chunked request body that is given up once the response head is there, and resets the connection, which may undo it; before the head it does not",
  },
};

export const PORTABLE_NODE_GAPS: Gaps = {
  ...REQUEST_OBJECTS,
  ...RESOLVED,
  "endpoints/trick:/openai/v1/models/a\\..\\files":
    "@hono/node-server itself answers 400 to a backslash in the path",
  "secrecy/stderr": "@hono/node-server prints a body's error; an embedder's stderr is the app's own",
};

export const NODE_WORKERS_GAPS: Gaps = {
  "breaker/opens": {
    atTimes: "a worker hears of another's failures a moment later, and the next request may be there before",
  },
};
