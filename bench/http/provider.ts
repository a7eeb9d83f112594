/** The provider of the benchmarks: canned answers as fast as node:http gives them. Prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Events of a stream, as OpenAI writes them (about 270 bytes each). */
const EVENTS = 200;

const JSON_ANSWER = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1768640420,
    model: "gpt-5-mini-2025-08-07",
    choices: [{ index: 0, message: { role: "assistant", content: "A relay hands on what it is given. ".repeat(12) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 58, completion_tokens: 71, total_tokens: 129, prompt_tokens_details: { cached_tokens: 0 } },
  }),
);

const event = (payload: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(payload)}\n\n`);
const chunk = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1768640420, model: "gpt-5-mini-2025-08-07", service_tier: "default", system_fingerprint: null };
const delta = event({ ...chunk, choices: [{ index: 0, delta: { content: " token" }, logprobs: null, finish_reason: null }], usage: null, obfuscation: "Fa57K97pMj" });
const usage = event({ ...chunk, choices: [], usage: { prompt_tokens: 58, completion_tokens: EVENTS, total_tokens: 58 + EVENTS } });
const done = Buffer.from("data: [DONE]\n\n");

/** Each event is a write of its own tick, as a model's tokens come, or after `x-bench-gap` milliseconds. */
function stream(response: import("node:http").ServerResponse, gapMs: number): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const next = (): void => {
    if (response.destroyed) return;
    if (sent++ === EVENTS) {
      response.write(usage);
      response.end(done);
      return;
    }
    response.write(delta);
    if (gapMs > 0) setTimeout(next, gapMs);
    else setImmediate(next);
  };
  next();
}

const server = createServer((request, response) => {
  let wantsStream = false;
  let first = true;
  request.on("data", (bytes: Buffer) => {
    if (first) wantsStream = bytes.subarray(0, 64).includes('"stream":true');
    first = false;
  });
  request.on("end", () => {
    if (wantsStream) return stream(response, Number(request.headers["x-bench-gap"] ?? 0));
    response.writeHead(200, { "content-type": "application/json", "content-length": JSON_ANSWER.length });
    response.end(JSON_ANSWER);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
