/** The `Upstream` port over an HTTP client of the test's. */
import { expect, it } from "vitest";
import type { CallEvents } from "../../../adapters/server/http/client/http-client.ts";
import { createUpstream } from "../../../adapters/server/http/client/upstream.ts";

function sending(onCall: (events: CallEvents) => void) {
  const cancelled = Promise.withResolvers<void>();
  const given = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => cancelled.resolve(),
  });
  const call = { write: () => false, end: () => true, pause() {}, resume() {}, abort() {} };
  const client = {
    call(_request: unknown, events: CallEvents) {
      queueMicrotask(() => onCall(events));
      return call;
    },
    close() {},
  };
  const response = createUpstream(client).send({
    authority: "p:1",
    tls: false,
    method: "POST",
    path: "/",
    headers: [],
    body,
    signal: given.signal,
    onConnectRetry() {},
  });
  return { response, cancelled: cancelled.promise, giveUp: () => given.abort(), call };
}

it("lets go of a body that was never asked for", async () => {
  const { response, cancelled } = sending((events) => events.onFailed(new Error("refused")));
  await expect(response).rejects.toThrow("upstream_unreachable");
  await cancelled;
});

it("lets go of a body that waits for the provider", async () => {
  const started = Promise.withResolvers<CallEvents>();
  const { response, cancelled, giveUp, call } = sending(started.resolve);
  (await started.promise).onStart(call);
  giveUp();
  await expect(response).rejects.toThrow("given up");
  await cancelled;
});
