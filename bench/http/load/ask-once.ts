/** One request whose answer is looked at: the loads only count. */
import { request } from "undici";
import { JSON_ANSWER, STREAM_ANSWERS } from "../answers.ts";
import { PATH, type RunningTarget } from "../target.ts";
import { STREAM_BODY } from "./bodies.ts";

const TIMEOUT_MS = 10_000;

/** Throws unless the answer has come as the provider sent it, byte for byte. */
export async function askOnce({ origin, headers }: RunningTarget, body: Buffer): Promise<void> {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  const response = await request(origin + PATH, { method: "POST", headers, body, ...timeouts });
  const answer = Buffer.from(await response.body.arrayBuffer());
  const expected = body === STREAM_BODY ? STREAM_ANSWERS : [JSON_ANSWER];
  if (response.statusCode !== 200 || !expected.some((bytes) => bytes.equals(answer))) {
    throw new Error(`a wrong answer (${response.statusCode}): ${answer.toString().slice(0, 200)}`);
  }
}
