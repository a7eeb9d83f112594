/** §4: the few endpoints that a managed key reaches, and the tricks that must not get it any further. */
import { expect } from "vitest";
import { ask, BYO_KEY, chat, jsonBody, KEY, refused, relayed, type Section } from "../lab.ts";

const NOT_ALLOWED = { status: 404, code: "endpoint_not_allowed", type: "not_found_error" } as const;

const POSTS = [
  "/chat/completions",
  "/completions",
  "/responses",
  "/responses/input_tokens",
  "/responses/compact",
  "/messages",
  "/messages/count_tokens",
  "/embeddings",
  "/rerank",
  "/moderations",
];
const READS = ["/models", "/models/gpt-5", "/models/meta-llama/Llama-4", "/models/meta-llama%2FLlama-4"];

const ALLOWED_BASES = [
  "/deepseek/chat/completions",
  "/deepseek/v1/chat/completions",
  "/openrouter/api/v1/chat/completions",
  "/groq/openai/v1/responses",
  "/fireworks/inference/v1/embeddings",
  "/my-llm/v1/chat/completions",
];

/** Sent as they stand: the refusal must not depend on who normalises what. */
const TRICKS = [
  `/openai/v1/models/${KEY}`,
  `/openai/v1/models/x${KEY.replace(".", "%252e")}`,
  "/openai/v1/files",
  "/openai/v1/files/file-1/content",
  "/openai/v1/responses/resp_1",
  "/openai/v1/chat/completions/chatcmpl-1",
  "/openai/chat/completions",
  "/openai/v1/v1/chat/completions",
  "/groq/v1/chat/completions",
  "/openai/v1/Chat/Completions",
  "/openai/v1/chat/completions/",
  "/openai/v1//chat/completions",
  "/openai//v1/chat/completions",
  "/openai/v1/chat%2Fcompletions",
  "/openai/v1/models/",
  "/openai/v1//models",
  "/openai/v1/models//gpt",
  "/openai/v1/models/../files",
  "/openai/v1/models/./gpt",
  "/openai/v1/models/%2e%2e/files",
  "/openai/v1/models/%2E%2e%2ffiles",
  "/openai/v1/models/..%2Ffiles",
  "/openai/v1/models/.%2e/files",
  "/openai/v1/models/a%2F..%2F..%2Ffiles",
  "/openai/v1/models/a%2F%2Fb",
  "/openai/v1/models/%2e",
  "/openai/v1/models/a\\..\\files",
  "/openai/v1/models/a%5c..%5Cfiles",
  "/openai/../openai/v1/models",
  "/anthropic/v1/messages/batches",
  "/anthropic/v1/files",
  "/openai",
  "/openai/",
];

export const endpoints: Section = (check) => {
  for (const suffix of POSTS) {
    check(`endpoints/post:${suffix}`, `lets a managed key POST ${suffix}`, async (lab) => {
      const { seen } = await relayed(lab, { target: `/openai/v1${suffix}`, ...jsonBody(chat()) });
      expect([seen.method, seen.target]).toEqual(["POST", `/v1${suffix}`]);
    });
  }
  for (const suffix of READS) {
    check(`endpoints/read:${suffix}`, `lets a managed key GET and HEAD ${suffix}`, async (lab) => {
      for (const method of ["GET", "HEAD"]) {
        const { seen } = await relayed(lab, { method, target: `/openai/v1${suffix}` });
        expect([seen.method, seen.target]).toEqual([method, `/v1${suffix}`]);
      }
    });
  }
  for (const target of ALLOWED_BASES) {
    check(`endpoints/base:${target}`, `knows the base path of ${target}`, async (lab) => {
      const { seen } = await relayed(lab, { target, ...jsonBody(chat()) });
      expect(seen.target).toBe(target.replace(/^\/[^/]+/, ""));
    });
  }
  check("endpoints/deepseek-anthropic", "knows deepseek's Anthropic wire", async (lab) => {
    const { seen } = await relayed(lab, { target: "/deepseek/anthropic/v1/messages", ...jsonBody(chat()) });
    expect(seen.target).toBe("/anthropic/v1/messages");
  });
  check("endpoints/managed-paths", "lets a managed key POST what managed_paths adds", async (lab) => {
    const { seen } = await relayed(lab, { target: "/openai/v1/images/generations", ...jsonBody({}) });
    expect(seen.target).toBe("/v1/images/generations");
  });

  for (const target of TRICKS) {
    check(`endpoints/trick:${target}`, `refuses a managed ${target}`, async (lab) => {
      const dialect = target.startsWith("/anthropic") ? "anthropic" : "openai";
      await refused(lab, { target }, { ...NOT_ALLOWED, dialect });
      await refused(lab, { target, ...jsonBody(chat()) }, { ...NOT_ALLOWED, dialect });
    });
  }

  check("endpoints/bad-escape", "meets a malformed escape without a fault", async (lab) => {
    const response = await ask(lab.base, { target: "/openai/v1/models/%zz%" });
    expect(response.status).toBeLessThan(500);
  });

  for (const target of [
    "/openai/v1/files?purpose=x",
    "/openai/v1/threads/1",
    "/openai/anything/at/all",
    "/openai/v1/files/",
  ]) {
    check(`endpoints/byo:${target}`, `does not restrict BYO: ${target}`, async (lab) => {
      for (const method of ["GET", "DELETE", "OPTIONS", "HEAD"]) {
        const { seen } = await relayed(lab, { method, target, key: BYO_KEY });
        expect([seen.method, seen.target]).toEqual([method, target.replace("/openai", "")]);
      }
    });
  }
  for (const target of [
    "/openai/v1/models/%2e%2e/files",
    "/openai/v1/../x",
    "/openai/v1/a//b/./c",
    "/openai/v1/a\\b",
    "/openai/v1/x?q='\"<>",
  ]) {
    check(`endpoints/byo-verbatim:${target}`, `forwards a BYO ${target} as it was spelled`, async (lab) => {
      const { seen } = await relayed(lab, { target, key: BYO_KEY });
      expect(seen.target).toBe(target.replace("/openai", ""));
    });
  }
};
