/**
 * `npm run demo`: the stock SDKs through a real gateway, every promise of the quick start checked as it is shown.
 * Exits 0, or 1 if a promise is broken. No network, no account: the embedded provider stands in for the vendors.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { formatRowLine } from "../adapters/server/cli/row-line.ts";
import { openStage, POOL_KEYS, type Seen, type Stage, TENANTS } from "./stage.ts";

const CLIENT = { maxRetries: 0, timeout: 10_000 } as const;
const QUESTION = [{ role: "user" as const, content: "what does a gateway do?" }];
const ANSWER = "You said: what does a gateway do?";
const OPENAI_CALL = { model: "gpt-5-mini", messages: QUESTION };
const ANTHROPIC_CALL = { model: "claude-haiku-4-5", max_tokens: 64, messages: QUESTION };

let broken = 0;

function check(promise: string, isKept: boolean, shown = ""): void {
  if (!isKept) broken += 1;
  console.log(`  ${isKept ? "✓" : "✗ BROKEN:"} ${promise}${shown === "" ? "" : `\n      ${shown}`}`);
}

const scene = (title: string): void => console.log(`\n${title}`);

const openaiWith = ({ url }: Stage, apiKey: string): OpenAI =>
  new OpenAI({ ...CLIENT, baseURL: `${url}/v1`, apiKey });
const anthropicWith = ({ url }: Stage, apiKey: string): Anthropic =>
  new Anthropic({ ...CLIENT, baseURL: url, apiKey });

function keysAreMade({ pair, keys }: Stage): void {
  scene("A key pair, and a virtual key signed with it");
  check(
    `signing key ${pair.kid} made; the gateway knows its public half alone`,
    pair.public_key !== "",
    pair.public_key,
  );
  check(
    `virtual key for tenant ${TENANTS.good}: no database will be asked about it`,
    keys.good !== "",
    keys.good,
  );
}

async function openaiWorks(stage: Stage): Promise<void> {
  scene('The stock "openai" package, base URL and key changed, nothing else');
  const client = openaiWith(stage, stage.keys.good);
  const reply = await client.chat.completions.create(OPENAI_CALL);
  const text = reply.choices[0]?.message.content ?? "";
  check("JSON answer", text === ANSWER, text);
  check(
    "the provider saw the pool key, and no virtual key anywhere",
    onlyPoolKey(await stage.seen(), POOL_KEYS.openai),
  );

  let streamed = "";
  let chunks = 0;
  let isUsageSeen = false;
  for await (const chunk of await client.chat.completions.create({ ...OPENAI_CALL, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? "";
    chunks += 1;
    isUsageSeen ||= chunk.usage !== undefined && chunk.usage !== null;
  }
  check(`streamed answer, ${chunks} chunks`, streamed === ANSWER, streamed);
  const seen = await stage.seen();
  check("the provider saw the pool key", onlyPoolKey(seen, POOL_KEYS.openai));
  const isAsked = seen.every(({ body }) => body.includes('"include_usage":true'));
  check(
    "the gateway asked for usage on the way up, and hid the answer on the way down",
    isAsked && !isUsageSeen,
  );
}

async function anthropicWorks(stage: Stage): Promise<void> {
  scene('The stock "@anthropic-ai/sdk" package');
  const client = anthropicWith(stage, stage.keys.good);
  const reply = await client.messages.create(ANTHROPIC_CALL);
  const [block] = reply.content;
  const text = block?.type === "text" ? block.text : "";
  check("JSON answer", text === ANSWER, text);
  const streamed = await client.messages.stream(ANTHROPIC_CALL).finalText();
  check("streamed answer", streamed === ANSWER, streamed);
  const seen = await stage.seen();
  check(
    "the provider saw the pool key as x-api-key, twice",
    seen.length === 2 && onlyPoolKey(seen, POOL_KEYS.anthropic),
  );
}

async function byoPasses(stage: Stage): Promise<void> {
  scene("Bring your own key: a call with a provider key of the client's own");
  const sent: { headers: Headers; body: string }[] = [];
  const client = new OpenAI({
    ...CLIENT,
    baseURL: `${stage.url}/v1`,
    apiKey: "sk-a-key-of-my-own",
    fetch: (input, init) => {
      sent.push({ headers: new Headers(init?.headers), body: String(init?.body) });
      return fetch(input, init);
    },
  });
  await client.chat.completions.create(OPENAI_CALL);
  const [seen] = await stage.seen();
  const [asSent] = sent;
  const headers = [...(asSent?.headers ?? [])];
  const isUntouched =
    headers.length > 0 && headers.every(([name, value]) => seen?.headers.get(name) === value);
  check(
    "every header arrived as it was sent",
    isUntouched,
    `authorization: ${seen?.headers.get("authorization")}`,
  );
  check("so did the body, byte for byte", seen !== undefined && seen.body === asSent?.body);
}

async function refusalsRaise(stage: Stage): Promise<void> {
  scene("Refused before any byte goes to a provider, with the SDKs' own exceptions");
  const forged = forge(stage.keys.good);
  const { spent, fraudulent } = stage.keys;
  const openai = (key: string) => () => openaiWith(stage, key).chat.completions.create(OPENAI_CALL);
  const anthropic = (key: string) => () => anthropicWith(stage, key).messages.create(ANTHROPIC_CALL);
  await expectRaised("openai, forged key", openai(forged), OpenAI.AuthenticationError, 401);
  await expectRaised("anthropic, forged key", anthropic(forged), Anthropic.AuthenticationError, 401);
  await expectRaised("openai, tenant over budget", openai(spent), OpenAI.APIError, 402);
  await expectRaised("anthropic, tenant over budget", anthropic(spent), Anthropic.PaymentRequiredError, 402);
  await expectRaised("openai, fraudulent tenant", openai(fraudulent), OpenAI.PermissionDeniedError, 403);
  await expectRaised(
    "anthropic, fraudulent tenant",
    anthropic(fraudulent),
    Anthropic.PermissionDeniedError,
    403,
  );
  check("the provider heard of none of them", (await stage.seen()).length === 0);
}

async function expectRaised(
  who: string,
  call: () => Promise<unknown>,
  // Both SDKs' exceptions: constructors of anything, told apart by instanceof.
  expected: abstract new (...args: never[]) => Error & { readonly status: unknown },
  status: number,
): Promise<void> {
  const raised = await call().then(
    () => undefined,
    (error: unknown) => error,
  );
  const isKept = raised instanceof expected && raised.status === status;
  check(
    `${who}: ${expected.name}`,
    isKept,
    raised instanceof Error ? messageIn(raised) : "it was let through",
  );
}

/** OpenAI's exceptions put the status before the message, Anthropic's before the whole error body. */
const messageIn = ({ message }: Error): string =>
  /"message":"([^"]*)"/.exec(message)?.[1] ?? message.replace(/^\d{3} /, "");

async function rowsAreTrue(stage: Stage): Promise<void> {
  scene("One ai.usage row for each managed call, on the gateway's stdout");
  for (const row of await stage.rows(4)) {
    const isTrue =
      row.outcome === "ok" && row.usage_source === "reported" && String(row.tenant_id) === TENANTS.good;
    check(formatRowLine(row), isTrue && row.input_tokens === 5 && row.output_tokens === 7);
  }
  const exitCode = await stage.stop();
  check("SIGTERM drains it and ends it with exit code 0", exitCode === 0);
  check(
    "four managed calls, four rows: none for BYO, none for the refused",
    (await stage.rows(4)).length === 4,
  );
}

/** In each request: the pool key in the place of the credential, and no virtual key in the URL, a header or the body. */
function onlyPoolKey(seen: readonly Seen[], poolKey: string): boolean {
  return (
    seen.length > 0 &&
    seen.every(({ url, headers, body }) => {
      const credential = headers.get("x-api-key") ?? headers.get("authorization")?.replace("Bearer ", "");
      return (
        credential === poolKey &&
        ![url, JSON.stringify([...headers]), body].some((part) => part.includes("bai_"))
      );
    })
  );
}

/** The same claims under a signature that nobody made. */
function forge(key: string): string {
  const at = key.lastIndexOf(".") + 10;
  return `${key.slice(0, at)}${key[at] === "A" ? "B" : "A"}${key.slice(at + 1)}`;
}

const SCENES = [keysAreMade, openaiWorks, anthropicWorks, byoPasses, refusalsRaise, rowsAreTrue];

const stage = await openStage();
try {
  console.log(`beyond-ai demo: a gateway at ${stage.url}, an embedded provider behind it, no network`);
  for (const play of SCENES) await play(stage);
} catch (error) {
  check("the scene plays to its end", false, error instanceof Error ? error.message : String(error));
} finally {
  stage.dispose();
}
console.log(
  broken === 0 ? "\nEvery promise kept. Next: `npx beyond-ai dev`\n" : `\nBroken promises: ${broken}\n`,
);
process.exitCode = broken === 0 ? 0 : 1;
