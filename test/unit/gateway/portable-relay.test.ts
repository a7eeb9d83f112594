/** The portable relay over an upstream of the test's: what becomes of a body, and of odd answers, when things go wrong. */
import { describe, expect, it } from "vitest";
import { createGateway, type Upstream, type UpstreamResponse, type UsageRow } from "../../../src/index.ts";
import { readKeyVectors } from "../../support/fixtures.ts";
import { mint } from "../../support/mint.ts";

const TARGET = "http://gateway.example/openai/v1/chat/completions";
const JSON_HEADERS = ["content-type", "application/json"];
const LIMITED: UpstreamResponse = { status: 429, statusText: "", headers: JSON_HEADERS, body: null };
const OK: UpstreamResponse = { ...LIMITED, status: 200, body: new Response("{}").body };

function gatewayOver(send: Upstream["send"]) {
  const rows: UsageRow[] = [];
  const gateway = createGateway({
    signingKeys: readKeyVectors().signing_keys,
    poolKeys: { openai: ["pool-1", "pool-2"] },
    upstream: { send },
    onUsage: (row) => void rows.push(row),
  });
  const ask = (body: BodyInit) =>
    gateway.request(TARGET, {
      method: "POST",
      headers: { authorization: `Bearer ${mint({ tenantId: "1", vpcId: "2" })}` },
      body,
      ...(body instanceof ReadableStream && { duplex: "half" }),
    });
  return { ask, rows };
}

/** A client that has sent the start of its body, and waits. */
function unfinished() {
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"model":"m",')),
    cancel: () => cancelled.resolve(),
  });
  return { body, isCancelled: cancelled.promise };
}

describe("the portable relay", () => {
  it("lets go of an upload when there is no provider to take it", async () => {
    const { ask } = gatewayOver(() => Promise.reject(new Error("refused")));
    const { body, isCancelled } = unfinished();
    expect((await ask(body)).status).toBe(500);
    await isCancelled;
  });

  it("lets nobody read on of an upload that was given up", async () => {
    let upload: ReadableStream<Uint8Array> | undefined;
    const { ask } = gatewayOver(({ body }) => {
      upload = body as ReadableStream<Uint8Array>;
      return Promise.reject(new Error("broken"));
    });
    await ask(unfinished().body);
    await expect(upload!.getReader().read()).rejects.toThrow();
  });

  it("goes on with the next pool key though the first answer breaks as it is dropped", async () => {
    const broken = new ReadableStream<Uint8Array>({ cancel: () => Promise.reject(new Error("reset")) });
    const answers = [{ ...LIMITED, body: broken }, OK];
    const { ask } = gatewayOver(() => Promise.resolve(answers.shift()!));
    expect((await ask("{}")).status).toBe(200);
  });

  it("answers 502 for a status that is none, and gives the provider's body up", async () => {
    let isAborted = false;
    const { ask, rows } = gatewayOver(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
      });
      return { ...OK, status: 700 };
    });
    expect((await ask("{}")).status).toBe(502);
    expect(isAborted).toBe(true);
    expect(rows).toEqual([expect.objectContaining({ outcome: "upstream_error" })]);
    expect(rows[0]).not.toHaveProperty("status");
  });
});
