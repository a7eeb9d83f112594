/** Each refusal of gateway.md §3 as the stock SDKs raise it, and what they retry. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { expect, it } from "vitest";
import { KEY, type Lab } from "../conformance/lab.ts";
import { DENIED, STRICT } from "../conformance/setups.ts";
import { cutMidBody, hangBeforeHead } from "../support/answers.ts";
import { forge, mint } from "../support/mint.ts";
import { countingFetch, USER } from "./lab.ts";

type Thrown = abstract new (...args: never) => Error;

interface ErrorCase {
  readonly why: string;
  readonly status: number;
  readonly code: string;
  readonly openai: Thrown;
  readonly anthropic: Thrown;
  readonly apiKey?: string;
  /** Before the SDK's own path; the drop-in root when it is left out. */
  readonly prefix?: { readonly openai: string; readonly anthropic: string };
  readonly content?: string;
  readonly gateway?: "base" | "strict";
}

const prefixes = (provider: string) => ({ openai: `/${provider}/v1`, anthropic: `/${provider}` });

const CASES: readonly ErrorCase[] = [
  {
    why: "a forged key",
    status: 401,
    code: "invalid_key",
    apiKey: forge(),
    openai: OpenAI.AuthenticationError,
    anthropic: Anthropic.AuthenticationError,
  },
  {
    why: "a tenant out of budget",
    status: 402,
    code: "spend_denied",
    apiKey: DENIED.spend,
    openai: OpenAI.APIError,
    anthropic: Anthropic.PaymentRequiredError,
  },
  {
    why: "a tenant denied for fraud",
    status: 403,
    code: "access_denied",
    apiKey: DENIED.fraud,
    openai: OpenAI.PermissionDeniedError,
    anthropic: Anthropic.PermissionDeniedError,
  },
  {
    why: "an unknown provider",
    status: 404,
    code: "unknown_provider",
    prefix: prefixes("nobody"),
    openai: OpenAI.NotFoundError,
    anthropic: Anthropic.NotFoundError,
  },
  {
    why: "an endpoint outside the list",
    status: 404,
    code: "endpoint_not_allowed",
    prefix: { openai: "/openai/v1/x", anthropic: "/anthropic/x" },
    openai: OpenAI.NotFoundError,
    anthropic: Anthropic.NotFoundError,
  },
  {
    why: "a body over the limit",
    status: 413,
    code: "body_too_large",
    gateway: "strict",
    content: "x".repeat(STRICT.maxRequestBytes),
    openai: OpenAI.APIError,
    anthropic: Anthropic.ContentTooLargeError,
  },
  {
    why: "a provider without a pool key",
    status: 503,
    code: "no_pool_key",
    prefix: prefixes("keyless"),
    openai: OpenAI.InternalServerError,
    anthropic: Anthropic.InternalServerError,
  },
];

export function errorTests(lab: () => Lab): void {
  it.each(CASES)("raises the stock SDKs' own exception for $why, which they do not retry", async (row) => {
    const { status, code, apiKey = KEY, prefix = { openai: "/v1", anthropic: "" }, content = "hi" } = row;
    const url = lab()[row.gateway ?? "base"].url;
    const messages = [{ role: "user" as const, content }];
    for (const [name, thrown] of [
      ["openai", row.openai],
      ["anthropic", row.anthropic],
    ] as const) {
      const { fetch, calls } = countingFetch();
      const options = { apiKey, baseURL: url + prefix[name], fetch, maxRetries: 2 };
      const error =
        name === "openai"
          ? await caught(new OpenAI(options).chat.completions.create({ model: "m", messages }))
          : await caught(new Anthropic(options).messages.create({ model: "m", max_tokens: 9, messages }));
      expect(error).toBeInstanceOf(thrown);
      expect(error).toMatchObject({ status });
      expect(codeOf(error)).toBe(code);
      expect(calls()).toBe(1);
    }
    expect(lab().standIn.requests).toEqual([]);
  });

  it("raises BadRequestError for a background response and APIError for a wrong method", async () => {
    const client = new OpenAI({ apiKey: KEY, baseURL: `${lab().base.url}/v1` });
    const background = await caught(client.responses.create({ model: "m", input: "x", background: true }));
    expect(background).toBeInstanceOf(OpenAI.BadRequestError);
    expect(background).toMatchObject({ code: "not_metered" });
    const wrongMethod = await caught(client.models.delete("m"));
    expect(wrongMethod).toBeInstanceOf(OpenAI.APIError);
    expect(wrongMethod).toMatchObject({ status: 405, code: "endpoint_not_allowed" });
  });

  it("raises the 5xx exceptions for a provider that is unreachable or silent, and repeats only the first", async () => {
    const dead = countingFetch();
    const unreachable = await caught(
      new OpenAI({
        apiKey: KEY,
        baseURL: `${lab().base.url}/dead-host/v1`,
        fetch: dead.fetch,
        maxRetries: 1,
      }).chat.completions.create({ model: "m", messages: USER }),
    );
    expect(unreachable).toBeInstanceOf(OpenAI.InternalServerError);
    expect(unreachable).toMatchObject({ status: 502, code: "upstream_unreachable" });
    expect(dead.calls()).toBe(2);

    lab().standIn.setDefault(hangBeforeHead());
    const silent = countingFetch();
    const timeout = await caught(
      new Anthropic({
        apiKey: KEY,
        baseURL: lab().strict.url,
        fetch: silent.fetch,
        maxRetries: 1,
      }).messages.create({ model: "m", max_tokens: 9, messages: USER }),
    );
    expect(timeout).toBeInstanceOf(Anthropic.InternalServerError);
    expect(timeout).toMatchObject({ status: 504 });
    expect(silent.calls()).toBe(1);
  });

  it("raises RateLimitError, and succeeds when the SDK waits as retry-after says", async () => {
    const baseURL = `${lab().ceilings.url}/v1`;
    const apiKey = mint({ tenantId: "7100" });
    const list = (maxRetries: number) => new OpenAI({ apiKey, baseURL, maxRetries }).models.list();
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => list(0)));
    const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(OpenAI.RateLimitError);
      expect(reason).toMatchObject({ code: "rate_limited" });
    }
    expect((await list(5)).data.length).toBeGreaterThan(0);
  });

  it("fails a stream whose provider died instead of ending it", async () => {
    const event = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: "hi" } }] })}\n\n`;
    lab().standIn.setDefault(cutMidBody({ "content-type": "text/event-stream" }, event, "fin"));
    const client = new OpenAI({ apiKey: KEY, baseURL: `${lab().base.url}/v1`, maxRetries: 0 });
    const stream = await client.chat.completions.create({ model: "m", messages: USER, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow();
  });
}

async function caught(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** OpenAI's SDK puts the code on the exception, Anthropic's leaves it in the body. */
function codeOf(error: unknown): unknown {
  if (error instanceof OpenAI.APIError) return error.code;
  const body: unknown = error instanceof Anthropic.APIError ? error.error : undefined;
  return /"code":"(\w+)"/.exec(JSON.stringify(body) ?? "")?.[1];
}
