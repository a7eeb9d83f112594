/** §5: which headers go up, which come down, and that BYO traffic is left alone. */
import { expect } from "vitest";
import { json } from "../../support/answers.ts";
import { BYO_KEY, chat, jsonBody, KEY, relayed, type Section } from "../lab.ts";
import { poolKey } from "../setups.ts";

const CHAT = "/openai/v1/chat/completions";
/** Set anew on every hop, so outside the comparison of what went in and what came out. */
const PER_HOP = new Set(["host", "connection", "content-length", "transfer-encoding", "keep-alive"]);

const STRIPPED_UP = [
  ["openai-organization", "org-1"],
  ["OpenAI-Project", "proj-1"],
  ["cookie", "a=1"],
  ["forwarded", "for=1.2.3.4"],
  ["x-forwarded-for", "1.2.3.4"],
  ["X-Forwarded-Proto", "https"],
  ["x-forwarded-anything", "1"],
  ["x-real-ip", "1.2.3.4"],
  ["via", "1.1 proxy"],
  ["cf-ray", "abc"],
  ["CF-Connecting-IP", "1.2.3.4"],
  ["x-beyond-tenant", "1"],
] as const;

const KEPT_UP = [
  ["user-agent", "OpenAI/JS 7.57.0"],
  ["x-stainless-lang", "js"],
  ["x-stainless-retry-count", "0"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["tracestate", "a=1,b=2"],
  ["idempotency-key", "idem-1"],
  ["http-referer", "https://app.example"],
  ["x-title", "My app"],
  ["openai-beta", "responses=v1"],
  ["accept", "application/json"],
] as const;

const STRIPPED_DOWN = [
  ["set-cookie", "session=1"],
  ["set-cookie", "other=2"],
  ["openai-organization", "the-pool-account"],
  ["OpenAI-Project", "proj_pool"],
  ["anthropic-organization-id", "pool-org"],
] as const;

const KEPT_DOWN = [
  ["x-request-id", "req_1"],
  ["request-id", "req_2"],
  ["x-ratelimit-remaining-tokens", "99"],
  ["retry-after", "7"],
  ["server", "cloudflare"],
  ["cf-ray", "1-FRA"],
  ["openai-processing-ms", "12"],
] as const;

function lowerCased(headers: readonly (readonly [string, string])[]): string[] {
  return headers
    .filter(([name]) => !PER_HOP.has(name.toLowerCase()))
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .sort();
}

export const hygiene: Section = (check) => {
  check(
    "hygiene/managed-up",
    "sends what the provider may know of a managed request, and only that",
    async (lab) => {
      const { seen } = await relayed(lab, {
        target: CHAT,
        headers: [...STRIPPED_UP, ...KEPT_UP, ["accept-encoding", "gzip, br"]],
        ...jsonBody(chat()),
      });
      expect(lowerCased(seen.headers)).toEqual(
        lowerCased([
          ...KEPT_UP,
          ["authorization", `Bearer ${poolKey("openai")}`],
          ["accept-encoding", "identity"],
          ["content-type", "application/json"],
        ]),
      );
    },
  );

  check("hygiene/identity", "asks for plain bytes even when the client said nothing", async (lab) => {
    const { seen } = await relayed(lab, { target: CHAT, ...jsonBody(chat()) });
    expect(seen.header("accept-encoding")).toEqual(["identity"]);
  });

  for (const [provider, name, value] of [
    ["anthropic", "x-api-key", poolKey("anthropic")],
    ["groq", "authorization", `Bearer ${poolKey("groq")}`],
    ["key-llm", "api-key", poolKey("key-llm")],
  ] as const) {
    check(`hygiene/scheme-${provider}`, `puts ${provider}'s pool key into ${name}`, async (lab) => {
      const base = provider === "groq" ? "/openai/v1" : "/v1";
      const { seen } = await relayed(lab, { target: `/${provider}${base}/models` });
      const all = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
      expect(all.flatMap((header) => seen.header(header).map((got) => [header, got]))).toEqual([
        [name, value],
      ]);
    });
  }

  check("hygiene/hop-by-hop", "drops hop-by-hop headers and those that connection names", async (lab) => {
    for (const key of [KEY, BYO_KEY]) {
      const { seen } = await relayed(lab, {
        target: "/openai/v1/models",
        key,
        headers: [
          ["connection", "X-Hop, keep-alive"],
          ["x-hop", "1"],
          ["te", "trailers"],
          ["keep-alive", "timeout=5"],
          ["proxy-connection", "x"],
          ["x-end", "1"],
        ],
      });
      for (const name of ["x-hop", "te", "proxy-connection"]) expect(seen.header(name)).toEqual([]);
      expect(seen.header("x-end")).toEqual(["1"]);
    }
  });

  for (const [given, sent] of [
    [
      "prompt-caching-2024-07-31, files-api-2025-04-14,skills-2025-10-02, oauth-2025-04-20, x-1",
      ["prompt-caching-2024-07-31", "x-1"],
    ],
    ["files-api-2025-04-14", []],
    ["Files-API-2025-04-14, x-1", ["x-1"]],
    ["interleaved-thinking-2025-05-14", ["interleaved-thinking-2025-05-14"]],
  ] as const) {
    check(
      `hygiene/anthropic-beta:${given.slice(0, 30)}`,
      "drops beta tokens that open stored files or other accounts",
      async (lab) => {
        const { seen } = await relayed(lab, {
          target: "/anthropic/v1/messages",
          headers: [
            ["anthropic-beta", given],
            ["anthropic-version", "2023-06-01"],
          ],
          ...jsonBody(chat()),
        });
        expect(seen.header("anthropic-beta").flatMap((value) => value.split(/\s*,\s*/))).toEqual(sent);
        expect(seen.header("anthropic-version")).toEqual(["2023-06-01"]);
      },
    );
  }

  check(
    "hygiene/managed-down",
    "hides the pool account in a managed answer and keeps the rest",
    async (lab) => {
      lab.standIn.setDefault(json(200, {}, [...STRIPPED_DOWN, ...KEPT_DOWN]));
      const { response } = await relayed(lab, { target: CHAT, ...jsonBody(chat()) });
      for (const [name] of STRIPPED_DOWN) expect(response.header(name)).toEqual([]);
      for (const [name, value] of KEPT_DOWN) expect(response.header(name)).toEqual([value]);
    },
  );

  check("hygiene/byo-up", "sends a BYO request's headers as they came", async (lab) => {
    const headers = [
      ...STRIPPED_UP.filter(([name]) => !name.startsWith("x-beyond")),
      ...KEPT_UP,
      ["accept-encoding", "gzip, br"],
      ["anthropic-beta", "files-api-2025-04-14"],
    ] as const;
    const { seen } = await relayed(lab, {
      target: CHAT,
      key: BYO_KEY,
      headers: [...headers, ["x-beyond-x", "1"]],
      ...jsonBody(chat()),
    });
    expect(lowerCased(seen.headers)).toEqual(
      lowerCased([...headers, ["authorization", `Bearer ${BYO_KEY}`], ["content-type", "application/json"]]),
    );
  });

  check("hygiene/byo-bare", "adds no header to a BYO request that has none", async (lab) => {
    const { seen } = await relayed(lab, {
      target: "/openai/v1/x",
      key: null,
      headers: [["api-key", BYO_KEY]],
    });
    expect(lowerCased(seen.headers)).toEqual([`api-key: ${BYO_KEY}`]);
  });

  check("hygiene/byo-query", "forwards a BYO query key", async (lab) => {
    const { seen } = await relayed(lab, { target: `/openai/v1/x?key=${BYO_KEY}&b=1`, key: null });
    expect(seen.target).toBe(`/v1/x?key=${BYO_KEY}&b=1`);
  });

  check("hygiene/byo-down", "relays a BYO answer's headers as they came", async (lab) => {
    const headers = [...STRIPPED_DOWN, ...KEPT_DOWN];
    lab.standIn.setDefault(json(200, {}, headers));
    const { response } = await relayed(lab, { target: CHAT, key: BYO_KEY, ...jsonBody(chat()) });
    expect(response.header("set-cookie")).toEqual(["session=1", "other=2"]);
    for (const [name, value] of headers.slice(2)) expect(response.header(name)).toEqual([value]);
  });
};
