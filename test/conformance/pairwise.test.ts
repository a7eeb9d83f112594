/** The same requests through Node, Bun and Workers: the same bytes down, the same request up, equal rows (ids and times aside). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fixture, json, redirect } from "../support/answers.ts";
import { fixtureNames, readFixture } from "../support/fixtures.ts";
import type { RunningGateway } from "../support/gateway-process.ts";
import { mint } from "../support/mint.ts";
import type { Row } from "../support/rows.ts";
import { startOnBun, startOnNode, startOnWorkers } from "../support/runtimes.ts";
import { type Answer, type StandIn, startStandIn } from "../support/stand-in.ts";
import { type Ask, ask, BYO_KEY, chat, jsonBody, rowOf } from "./lab.ts";
import { baseSetup, DENIED } from "./setups.ts";

const RUNTIMES = { Node: startOnNode, Bun: startOnBun, Workers: startOnWorkers };

/** Each runtime frames bodies and dates answers in its own way, and ids differ by design. */
const ITS_OWN_DOWN = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
  "x-beyond-request-id",
]);
/** What the runtimes' HTTP clients add to a request: gaps of the conformance suite. */
const ITS_OWN_UP = new Set([
  "accept",
  "cf-worker",
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
  "user-agent",
]);

const CHAT = "/openai/v1/chat/completions";
const OK = json(200, { model: "gpt-5-mini-2026", usage: { prompt_tokens: 3, completion_tokens: 4 } });

interface Case {
  readonly title: string;
  readonly request: Ask;
  readonly answer?: Answer;
}

/** Complete bodies alone: where a body that is cut ends is a matter of timing. */
const RESPONSES: readonly Case[] = fixtureNames
  .map(readFixture)
  .filter(
    ({ response, request_content_type }) => response.abort !== true && request_content_type === undefined,
  )
  // workerd cannot decode brotli for the tap (a gap of the conformance suite).
  .filter(({ response }) => response.headers["content-encoding"] !== "br")
  .map(({ name, provider, method, path, request }) => ({
    title: `the response ${name}`,
    request: { method, target: `/${provider}${path}`, ...jsonBody(request) },
    answer: fixture(name),
  }));

const REQUESTS: readonly Case[] = [
  { title: "a small chat", request: { target: CHAT, ...jsonBody(chat()) } },
  {
    title: "a stream that must be asked for usage",
    request: { target: CHAT, ...jsonBody(chat({ stream: true })) },
  },
  { title: "a chunked upload", request: { target: CHAT, body: ['{"model":"m","str', 'eam":true}'] } },
  { title: "a large prompt", request: { target: CHAT, ...jsonBody(chat({ user: "é".repeat(60_000) })) } },
  {
    title: "a query with a key in it",
    request: { target: `/openai/v1/models?key=${mint({ tenantId: "5" })}&a=%20b`, key: null },
  },
  {
    title: "a BYO request",
    request: { target: "/openai/v1/files?x=1", key: BYO_KEY, headers: [["cookie", "a=1"]] },
  },
  {
    title: "a redirect",
    request: { target: CHAT, ...jsonBody(chat()) },
    answer: redirect(307, "https://elsewhere.example/"),
  },
  { title: "HEAD", request: { method: "HEAD", target: "/openai/v1/models" } },
  { title: "an unknown provider", request: { target: "/nobody/v1/models" } },
  { title: "no credential", request: { target: CHAT, key: null, ...jsonBody(chat()) } },
  { title: "a forged key", request: { target: CHAT, key: "bai_v1.1.AAAA.BBBB", ...jsonBody(chat()) } },
  { title: "a denied tenant", request: { target: CHAT, key: DENIED.spend, ...jsonBody(chat()) } },
  { title: "an endpoint out of reach", request: { target: "/openai/v1/files" } },
  { title: "the wrong method", request: { target: CHAT } },
  {
    title: "background work",
    request: { target: "/openai/v1/responses", ...jsonBody({ background: true }) },
  },
  { title: "no pool key", request: { target: "/keyless/v1/chat/completions", ...jsonBody(chat()) } },
];

/** What one runtime made of a request, without what is its own. */
interface Verdict {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly clean: boolean;
  readonly seen:
    | { readonly line: string; readonly headers: readonly string[]; readonly body: string }
    | undefined;
  readonly row: Partial<Row> | undefined;
}

const lines = (headers: readonly (readonly [string, string])[], own: ReadonlySet<string>): string[] =>
  headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !own.has(name))
    .map(([name, value]) => `${name}: ${value}`)
    .sort();

describe("the three runtimes", () => {
  let standIn: StandIn;
  let gateways: [name: string, gateway: RunningGateway][] = [];

  beforeAll(async () => {
    standIn = await startStandIn();
    const setup = baseSetup(standIn.authority);
    gateways = await Promise.all(
      Object.entries(RUNTIMES).map(
        async ([name, start]): Promise<[string, RunningGateway]> => [name, await start(setup)],
      ),
    );
  });
  beforeEach(() => standIn.reset());
  afterAll(async () => {
    await Promise.all(gateways.map(([, gateway]) => gateway.stop()));
    await standIn.close();
  });

  async function verdictOf(gateway: RunningGateway, { request, answer = OK }: Case): Promise<Verdict> {
    standIn.reset();
    standIn.setDefault(answer);
    const response = await ask(gateway, request);
    const isRelayed = response.header("x-beyond-provider").length > 0;
    const seen = isRelayed ? await standIn.take() : undefined;
    const id = response.header("x-beyond-request-id")[0] ?? "";
    return {
      status: response.status,
      headers: lines(response.headers, ITS_OWN_DOWN),
      body: response.body.toString("latin1").replaceAll(id, "ID"),
      clean: response.clean,
      seen: seen && {
        line: `${seen.method} ${seen.target}`,
        headers: lines(seen.headers, ITS_OWN_UP),
        body: (await seen.body).sha256,
      },
      row: isRelayed && request.key !== BYO_KEY ? withoutTimes(await rowOf(gateway, response)) : undefined,
    };
  }

  for (const one of [...REQUESTS, ...RESPONSES]) {
    it(`give the same bytes and the same row for ${one.title}`, async () => {
      const verdicts: Record<string, Verdict> = {};
      for (const [name, gateway] of gateways) verdicts[name] = await verdictOf(gateway, one);
      expect(verdicts.Bun).toEqual(verdicts.Node);
      expect(verdicts.Workers).toEqual(verdicts.Node);
    });
  }
});

function withoutTimes(row: Row): Partial<Row> {
  const { timestamp: _, request_id: _id, latency_ms: _ms, ttft_ms: _ttft, ...same } = row;
  return same;
}
