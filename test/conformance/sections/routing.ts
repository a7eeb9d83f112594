/** §1: the first segment names the provider, the rest goes on verbatim, `/v1` is the drop-in default. */
import { expect } from "vitest";
import { json, redirect } from "../../support/answers.ts";
import { ask, BYO_KEY, chat, jsonBody, KEY, type Lab, relayed, type Section, UUID_V7 } from "../lab.ts";
import { PROVIDERS } from "../setups.ts";

const UNKNOWN_PROVIDER = { status: 404, code: "unknown_provider" };

async function expectProvider(
  lab: Lab,
  provider: string,
  target: string,
  request: Parameters<typeof relayed>[1],
) {
  const { response, seen } = await relayed(lab, request);
  expect(response.header("x-beyond-provider")).toEqual([provider]);
  expect(seen.target).toBe(target);
  expect(seen.header("host")).toEqual([lab.standIn.authority]);
}

export const routing: Section = (check) => {
  for (const [provider, base] of Object.entries(PROVIDERS)) {
    check(`routing/provider-${provider}`, `forwards path and query verbatim to ${provider}`, async (lab) => {
      const target = `${base}/chat/completions?x=1&empty=&y=%20%2F+z`;
      const body = jsonBody(chat({ stream: false }));
      await expectProvider(lab, provider, target, { target: `/${provider}${target}`, ...body });
    });
  }

  check("routing/config-row", "routes a provider that only the config knows", (lab) =>
    expectProvider(lab, "my-llm", "/v1/models", { target: "/my-llm/v1/models" }),
  );

  check("routing/v1-openai", "takes /v1 for openai by default", (lab) =>
    expectProvider(lab, "openai", "/v1/chat/completions", {
      target: "/v1/chat/completions",
      ...jsonBody(chat()),
    }),
  );

  for (const target of ["/v1/messages", "/v1/messages/count_tokens", "/v1/messages?beta=true"]) {
    check(`routing/v1-anthropic-path:${target}`, `takes ${target} for anthropic`, (lab) =>
      expectProvider(lab, "anthropic", target, { target, ...jsonBody(chat()) }),
    );
  }

  check(
    "routing/v1-messages-prefix",
    "takes /v1/messagesque for openai: only a whole segment is anthropic's",
    (lab) => expectProvider(lab, "openai", "/v1/messagesque", { target: "/v1/messagesque", key: BYO_KEY }),
  );

  check("routing/v1-anthropic-version", "takes /v1 for anthropic when anthropic-version is there", (lab) =>
    expectProvider(lab, "anthropic", "/v1/models", {
      target: "/v1/models",
      headers: [["Anthropic-Version", "2023-06-01"]],
    }),
  );

  check(
    "routing/v1-byo-x-api-key",
    "sends a BYO x-api-key on /v1 to anthropic, never to another provider",
    (lab) =>
      expectProvider(lab, "anthropic", "/v1/files", {
        target: "/v1/files",
        key: null,
        headers: [["x-api-key", "sk-ant-1"]],
      }),
  );

  check("routing/v1-byo-both", "sends it to anthropic beside another provider's credential, too", (lab) =>
    expectProvider(lab, "anthropic", "/v1/files", {
      target: "/v1/files",
      key: BYO_KEY,
      headers: [["x-api-key", "sk-ant-1"]],
    }),
  );

  check("routing/v1-managed-x-api-key", "takes a managed x-api-key on /v1 for openai", (lab) =>
    expectProvider(lab, "openai", "/v1/models", {
      target: "/v1/models",
      key: null,
      headers: [["x-api-key", KEY]],
    }),
  );

  for (const target of ["/v1", "/v1?x=1", "/v1/"]) {
    check(`routing/v1-bare:${target}`, `takes a bare ${target} for openai`, (lab) =>
      expectProvider(lab, "openai", target, { target, key: BYO_KEY }),
    );
  }

  for (const target of [
    "/",
    "/v1beta/models",
    "/v2/models",
    "/OpenAI/v1/models",
    "/openai2/v1",
    "/__proto__/v1",
    "//openai/v1",
    "/%6fpenai/v1/models",
    "/constructor",
  ]) {
    check(`routing/unknown:${target}`, `answers ${target} with 404 unknown_provider`, async (lab) => {
      const response = await ask(lab.base, { target });
      expect(response.status).toBe(UNKNOWN_PROVIDER.status);
      expect(response.json()).toMatchObject({ error: { code: UNKNOWN_PROVIDER.code } });
      expect(lab.standIn.requests).toEqual([]);
    });
  }

  check("routing/absolute-form", "understands a request target in absolute form", async (lab) => {
    const { seen } = await relayed(lab, { target: `${lab.base.url}/openai/v1/models?x=1` });
    expect(seen.target).toBe("/v1/models?x=1");
  });

  for (const status of [301, 302, 303, 307, 308]) {
    check(`routing/redirect-${status}`, `relays a ${status} and does not follow it`, async (lab) => {
      const location = `http://${lab.standIn.authority}/elsewhere`;
      lab.standIn.setDefault(redirect(status, location));
      const response = await ask(lab.base, { target: "/openai/v1/chat/completions", ...jsonBody(chat()) });
      expect([response.status, response.header("location"), response.text()]).toEqual([
        status,
        [location],
        "moved",
      ]);
      expect(lab.standIn.requests).toHaveLength(1);
    });
  }

  check(
    "routing/request-id",
    "gives every request an id of its own and drops the provider's x-beyond headers",
    async (lab) => {
      lab.standIn.setDefault(
        json(200, {}, { "x-beyond-request-id": "theirs", "X-Beyond-Provider": "evil", "x-beyond-x": "1" }),
      );
      const answers = [
        await ask(lab.base, { target: "/openai/v1/models" }),
        await ask(lab.base, { target: "/openai/v1/models" }),
      ];
      const ids = answers.map(({ header }) => header("x-beyond-request-id").join());
      expect(ids[0]).toMatch(UUID_V7);
      expect(new Set(ids).size).toBe(2);
      expect(answers[0]?.header("x-beyond-provider")).toEqual(["openai"]);
      expect(answers[0]?.header("x-beyond-x")).toEqual([]);
    },
  );
};
