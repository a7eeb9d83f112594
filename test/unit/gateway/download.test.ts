/** A response body on its way down, where a reader takes one read at a time, as workerd's does. */
import { expect, it } from "vitest";
import type { BodyReaders, ChunkReader } from "../../../src/gateway/body-readers.ts";
import { relay } from "../../../src/gateway/relay.ts";
import type { UsageRow } from "../../../src/gateway/row.ts";
import { inboundOf } from "../../../src/gateway/web-request.ts";
import { readKeyVectors } from "../../support/fixtures.ts";
import { mint } from "../../support/mint.ts";
import { stateWith } from "../../support/state.ts";

const ASKED = '{"model":"m"}';
const ANSWER = '{"model":"m","usage":{"prompt_tokens":5,"completion_tokens":7}}';

function oneReadAtATime(body: ReadableStream<Uint8Array>): ChunkReader {
  const reader = body.getReader();
  let isReading = false;
  return {
    async read() {
      if (isReading)
        throw new TypeError("This ReadableStream only supports a single pending read request at a time.");
      isReading = true;
      try {
        return await reader.read();
      } finally {
        isReading = false;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

it("reads a small answer to its end for the row of a client that has left, in the reads that are under way", async () => {
  const rows: UsageRow[] = [];
  const written = Promise.withResolvers<UsageRow>();
  const state = stateWith(
    {
      signingKeys: readKeyVectors().signing_keys,
      poolKeys: { openai: "pool-1" },
      onDisconnect: "drain",
    },
    {
      onUsage(row) {
        rows.push(row);
        written.resolve(row);
      },
    },
  );
  const client = new AbortController();
  let provider: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      provider = controller;
    },
  });
  const reading = Promise.withResolvers<void>();
  const readers: BodyReaders = {
    inPieces: oneReadAtATime,
    asItComes(body) {
      reading.resolve();
      return oneReadAtATime(body);
    },
  };
  const request = new Request("http://gateway.example/openai/v1/chat/completions", {
    method: "POST",
    headers: {
      authorization: `Bearer ${mint({ tenantId: "1", vpcId: "2" })}`,
      // So that it is read whole, and the only reader is the response's.
      "content-length": String(ASKED.length),
    },
    body: ASKED,
    signal: client.signal,
  });
  const headers = ["content-type", "application/json", "content-length", String(ANSWER.length)];
  const upstream = { send: async () => ({ status: 200, statusText: "", headers, body }) };
  void relay(state, { upstream, readers }, request, inboundOf(request));
  await reading.promise;
  client.abort();
  // The relay has heard of it, and its read is still under way.
  await new Promise(setImmediate);
  for (const half of [ANSWER.slice(0, 30), ANSWER.slice(30)])
    provider!.enqueue(new TextEncoder().encode(half));
  provider!.close();
  expect(await written.promise).toMatchObject({
    outcome: "client_cancelled",
    usage_source: "reported",
    input_tokens: 5,
    output_tokens: 7,
  });
  expect(rows).toHaveLength(1);
});
