/** The portable relay over an upstream of the test's: what becomes of a body, and of odd answers, when things go wrong. */
import { describe, expect, it } from "vitest";
import {
  createGateway,
  type GatewayOptions,
  type Upstream,
  type UpstreamResponse,
  type UsageRow,
} from "../../../src/index.ts";
import { readKeyVectors } from "../../support/fixtures.ts";
import { mint } from "../../support/mint.ts";

const TARGET = "http://gateway.example/openai/v1/chat/completions";
const JSON_HEADERS = ["content-type", "application/json"];
const LIMITED: UpstreamResponse = { status: 429, statusText: "", headers: JSON_HEADERS, body: null };
const OK: UpstreamResponse = { ...LIMITED, status: 200, body: new Response("{}").body };

const HEADERS = { authorization: `Bearer ${mint({ tenantId: "1", vpcId: "2" })}` };

const requestWith = (init: RequestInit): Request =>
  new Request(TARGET, { method: "POST", ...init, headers: HEADERS });

function gatewayOver(send: Upstream["send"], options: GatewayOptions = {}) {
  const rows: UsageRow[] = [];
  const gateway = createGateway({
    signingKeys: readKeyVectors().signing_keys,
    poolKeys: { openai: ["pool-1", "pool-2"] },
    upstream: { send },
    onUsage: (row) => void rows.push(row),
    ...options,
  });
  const ask = (body: BodyInit) =>
    gateway.request(TARGET, {
      method: "POST",
      headers: HEADERS,
      body,
      ...(body instanceof ReadableStream && { duplex: "half" }),
    });
  const fetch = (request: Request) => gateway.fetch(request);
  return { ask, fetch, rows };
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

  it("ends the body that it gave to a caller in process who aborts", async () => {
    const unending = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: {}\n\n")),
    });
    const { fetch, rows } = gatewayOver(async () => ({
      ...OK,
      headers: ["content-type", "text/event-stream"],
      body: unending,
    }));
    const client = new AbortController();
    const response = await fetch(requestWith({ body: "{}", signal: client.signal }));
    const reader = response.body!.getReader();
    await reader.read();
    const pending = reader.read();
    client.abort();
    await expect(pending).rejects.toThrow("the client left");
    expect(rows).toEqual([expect.objectContaining({ outcome: "client_cancelled", status: 200 })]);
  });

  it.each([
    ["while it is admitted", "{}"],
    ["while it is admitted, with a body that streams up", unfinished().body],
  ])("asks no provider for a client that leaves %s", async (_, body) => {
    const client = new AbortController();
    const asked: unknown[] = [];
    const deny = {
      async lookup() {
        client.abort();
        return undefined;
      },
    };
    const { fetch, rows } = gatewayOver(
      async (request) => {
        asked.push(request);
        return OK;
      },
      { deny },
    );
    const isStreamed = typeof body !== "string";
    await fetch(requestWith({ body, signal: client.signal, ...(isStreamed && { duplex: "half" }) }));
    expect(asked).toEqual([]);
    expect(rows).toEqual([expect.objectContaining({ outcome: "client_cancelled", usage_source: "none" })]);
  });

  it("says that it is a fault here when somebody has read the body before it", async () => {
    const logged: unknown[] = [];
    const { fetch, rows } = gatewayOver(() => Promise.resolve(OK), { log: (...line) => logged.push(line) });
    const request = requestWith({ body: "{}" });
    request.headers.set("content-length", "2");
    await request.text();
    const response = await fetch(request);
    expect(response.status).toBe(500);
    expect(rows).toEqual([expect.objectContaining({ outcome: "upstream_error", usage_source: "none" })]);
    expect(JSON.stringify(logged)).toContain("the body was read before");
  });
});
