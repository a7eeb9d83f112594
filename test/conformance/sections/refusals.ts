/** §3: each refusal's status, words, dialect and retry advice, and which check comes first. */
import { expect } from "vitest";
import { closeBeforeHead } from "../../support/answers.ts";
import { forge } from "../../support/mint.ts";
import type { RawResponse } from "../../support/raw-http.ts";
import {
  type Ask,
  ask,
  BYO_KEY,
  begin,
  chat,
  expectRefusal,
  jsonBody,
  type Refusal,
  refused,
  relayed,
  rowOf,
  rowsOf,
  type Section,
  sentUp,
} from "../lab.ts";
import { DENIED } from "../setups.ts";

const CHAT = "/openai/v1/chat/completions";
const MISSING: Refusal = { status: 401, code: "missing_key", type: "authentication_error" };
const INVALID: Refusal = { status: 401, code: "invalid_key", type: "authentication_error" };
const SPEND: Refusal = { status: 402, code: "spend_denied", type: "billing_error" };
const DENIED_ACCESS: Refusal = { status: 403, code: "access_denied", type: "permission_error" };
const UPGRADE: Refusal = { status: 501, code: "upgrade_not_supported", type: "invalid_request_error" };
const NO_ENDPOINT: Refusal = { status: 404, code: "endpoint_not_allowed", type: "not_found_error" };
const ENCODED: Refusal = { status: 415, code: "unsupported_encoding", type: "invalid_request_error" };
const NOT_METERED: Refusal = { status: 400, code: "not_metered", type: "invalid_request_error" };
const NO_POOL_KEY: Refusal = { status: 503, code: "no_pool_key", type: "api_error" };
const UNREACHABLE: Refusal = { status: 502, code: "upstream_unreachable", type: "api_error", retry: "free" };

const upgrade = [
  ["connection", "upgrade"],
  ["upgrade", "websocket"],
] as const;
const gzip = [["content-encoding", "gzip"]] as const;
const identity = [["content-encoding", "identity"]] as const;
const form = [["content-type", "multipart/form-data; boundary=x"]] as const;
const background = jsonBody({ model: "m", input: "x", background: true });

const CASES: Readonly<Record<string, [Ask, Refusal]>> = {
  "unknown provider": [
    { target: "/nobody/v1" },
    { status: 404, code: "unknown_provider", type: "not_found_error" },
  ],
  "unknown provider before a missing key": [
    { target: "/nobody", key: null },
    { status: 404, code: "unknown_provider", type: "not_found_error" },
  ],
  "missing key": [{ target: CHAT, key: null, ...jsonBody(chat()) }, MISSING],
  "missing key before upgrade": [{ target: CHAT, key: null, headers: upgrade }, MISSING],
  "managed upgrade": [{ target: "/openai/v1/realtime", headers: upgrade }, UPGRADE],
  "BYO upgrade": [{ target: "/openai/v1/realtime", key: BYO_KEY, headers: upgrade }, UPGRADE],
  "upgrade before a bad key": [{ target: CHAT, key: forge(), headers: upgrade }, UPGRADE],
  "bad key": [{ target: CHAT, key: forge(), ...jsonBody(chat()) }, INVALID],
  "bad key before the endpoint": [{ target: "/openai/v1/files", key: forge() }, INVALID],
  "tenant denied for spend": [{ target: CHAT, key: DENIED.spend, ...jsonBody(chat()) }, SPEND],
  "key denied for spend": [{ target: CHAT, key: DENIED.keySpend, ...jsonBody(chat()) }, SPEND],
  "key of a denied tenant": [{ target: CHAT, key: DENIED.keyOfDeniedTenant, ...jsonBody(chat()) }, SPEND],
  "tenant denied for fraud": [{ target: CHAT, key: DENIED.fraud, ...jsonBody(chat()) }, DENIED_ACCESS],
  "tenant denied for an unknown reason": [
    { target: CHAT, key: DENIED.unknownReason, ...jsonBody(chat()) },
    DENIED_ACCESS,
  ],
  "deny before the endpoint": [{ target: "/openai/v1/files", key: DENIED.spend }, SPEND],
  "endpoint not allowed": [{ target: "/openai/v1/files" }, NO_ENDPOINT],
  "endpoint before encoding": [{ target: "/openai/v1/files", headers: gzip, body: "x" }, NO_ENDPOINT],
  "encoded body": [{ target: CHAT, headers: gzip, body: "x" }, ENCODED],
  "encoded body, and a second field that says it is not": [
    { target: CHAT, headers: [...gzip, ...identity], body: "x" },
    ENCODED,
  ],
  "encoding before the pool key": [
    { target: "/keyless/v1/chat/completions", headers: gzip, body: "x" },
    ENCODED,
  ],
  "no pool key": [{ target: "/keyless/v1/chat/completions", ...jsonBody(chat()) }, NO_POOL_KEY],
  "endpoint before the pool key": [{ target: "/keyless/v1/files" }, NO_ENDPOINT],
  background: [{ target: "/openai/v1/responses", ...background }, NOT_METERED],
  "background in what calls itself a form": [
    { target: "/openai/v1/responses", headers: form, ...background },
    NOT_METERED,
  ],
  "background with an escaped key": [
    { target: "/openai/v1/responses", body: '{"model":"m","backgr\\u006fund" : true }' },
    NOT_METERED,
  ],
  "background, the last of two": [
    { target: "/openai/v1/responses", body: '{"background":false,"model":"m","background":true}' },
    NOT_METERED,
  ],
};

/** The same refusals where the client speaks the Anthropic dialect. */
const ANTHROPIC_CASES: Readonly<Record<string, [Ask, Refusal]>> = {
  "missing key": [{ target: "/anthropic/v1/messages", key: null, ...jsonBody(chat()) }, MISSING],
  "missing key on /v1": [{ target: "/v1/messages", key: null, ...jsonBody(chat()) }, MISSING],
  "missing key on openrouter's messages": [
    { target: "/openrouter/api/v1/messages", key: null, ...jsonBody(chat()) },
    MISSING,
  ],
  "bad key": [{ target: "/v1/messages", key: forge(), ...jsonBody(chat()) }, INVALID],
  denied: [{ target: "/v1/messages", key: DENIED.spend, ...jsonBody(chat()) }, SPEND],
  "endpoint not allowed": [{ target: "/anthropic/v1/files" }, NO_ENDPOINT],
};

export const refusals: Section = (check) => {
  for (const [why, [request, refusal]] of Object.entries(CASES)) {
    check(`refusals/openai:${why}`, `refuses in the openai dialect: ${why}`, (lab) =>
      refused(lab, request, refusal),
    );
  }
  for (const [why, [request, refusal]] of Object.entries(ANTHROPIC_CASES)) {
    check(`refusals/anthropic:${why}`, `refuses in the anthropic dialect: ${why}`, (lab) =>
      refused(lab, request, { ...refusal, dialect: "anthropic" }),
    );
  }

  check("refusals/wrong-method", "answers a wrong method with 405 and allow", async (lab) => {
    const wrong = { status: 405, code: "endpoint_not_allowed", type: "invalid_request_error" } as const;
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const response = await ask(lab.base, { method, target: CHAT });
      expectRefusal(response, wrong);
      expect(response.header("allow")).toEqual(["POST"]);
    }
    const models = await ask(lab.base, { target: "/openai/v1/models", ...jsonBody({}) });
    expectRefusal(models, wrong);
    expect(models.header("allow").join().split(/, */).sort()).toEqual(["GET", "HEAD"]);
    expect(lab.standIn.requests).toEqual([]);
  });

  check("refusals/head", "answers a refused HEAD without a body", async (lab) => {
    const connection = await begin(lab.base, { method: "HEAD", target: "/openai/v1/files" });
    const { status } = await connection.readHead();
    connection.socket.end();
    expect([status, await connection.readRest()]).toEqual([404, ""]);
  });

  for (const [why, body] of Object.entries({
    "a false one": '{"model":"m","background":false}',
    "false, the last of two": '{"background":true,"model":"m","background":false}',
    "a nested one": '{"model":"m","metadata":{"background":true},"input":[{"background":true}]}',
    "one inside a string": '{"model":"m","input":"\\"background\\":true"}',
    "one that is a string": '{"model":"m","background":"true"}',
  })) {
    check(`refusals/background-admitted:${why}`, `admits ${why} for background`, async (lab) => {
      const { seen } = await relayed(lab, { target: "/openai/v1/responses", body });
      expect((await seen.body).text()).toBe(body);
    });
  }

  check(
    "refusals/background-chunked",
    "refuses background: true that comes late in a chunked body",
    async (lab) => {
      const padding = "x".repeat(200_000);
      const response = await ask(lab.base, {
        target: "/openai/v1/responses",
        body: [`{"model":"m","input":"${padding}`, `${padding}","backgr`, 'ound":tr', "ue}"],
      });
      expectRefusal(response, NOT_METERED);
      for (const seen of await sentUp(lab, lab.base)) expect((await seen.body).whole).toBe(false);
    },
  );

  check(
    "refusals/unreachable",
    "answers 502 for a provider that cannot be reached, and its row says so",
    async (lab) => {
      const response = await ask(lab.base, { target: "/dead-host/v1/chat/completions", ...jsonBody(chat()) });
      expectRefusal(response, UNREACHABLE);
      const row = await rowOf(lab.base, response);
      expect(row).toMatchObject({
        provider: "dead-host",
        outcome: "upstream_error",
        requested_model: "gpt-5-mini",
      });
      expect(row).not.toHaveProperty("status");
      expectRefusal(
        await ask(lab.base, { target: "/dead-host/v1/x", key: BYO_KEY, ...jsonBody({}) }),
        UNREACHABLE,
      );
    },
  );

  check(
    "refusals/no-head",
    "answers 502 when the provider hangs up without a head, and asks it only once",
    async (lab) => {
      lab.standIn.setDefault(closeBeforeHead());
      const response = await ask(lab.base, { target: CHAT, ...jsonBody(chat()) });
      expectRefusal(response, UNREACHABLE);
      expect(lab.standIn.requests).toHaveLength(1);
    },
  );

  check("refusals/no-rows", "writes no row for what it refused", async (lab) => {
    const refused: RawResponse[] = [];
    for (const [request] of Object.values(CASES)) {
      const connection = await begin(lab.base, request);
      refused.push(await connection.readResponse());
      connection.destroy();
    }
    expect(await rowsOf(lab, refused)).toEqual([]);
  });
};
