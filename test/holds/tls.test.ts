/** Providers over TLS, as they are in production: what goes up and down, over HTTP/1.1 and HTTP/2, and whom nobody vouches for. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { configOver, RUNTIMES, type Runtime, startServed } from "../ops/served.ts";
import { LOCALHOST, TRUSTING } from "../support/tls.ts";
import { CHAT, COMPLETION, FIRST, KEY, LAST, rowsIn, SSE } from "./lab.ts";

const [NODE, BUN] = RUNTIMES;
const UPLOAD_BYTES = 3_000_000;

interface Seen {
  readonly version: string;
  readonly authorization: string | undefined;
  readonly bytes: number;
  readonly sha256: string;
}

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

interface Provider {
  readonly authority: string;
  readonly seen: readonly Seen[];
  /** Resolves when a stream that asked for no end was let go of. */
  readonly letGo: Promise<void>;
}

/** Answers a chat request, streamed where its body asks for it, without an end for the user "endless". */
async function startProvider(): Promise<Provider> {
  const seen: Seen[] = [];
  const letGo = Promise.withResolvers<void>();
  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const hash = createHash("sha256");
    let bytes = 0;
    let isStreamed = false;
    let isEndless = false;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      isStreamed ||= chunk.includes('"stream":true');
      isEndless ||= chunk.includes('"user":"endless"');
    }
    const { httpVersion: version, headers } = request;
    seen.push({ version, authorization: headers.authorization, bytes, sha256: hash.digest("hex") });
    if (!isStreamed) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(COMPLETION));
      return;
    }
    response.writeHead(200, SSE).write(FIRST);
    if (isEndless) response.once("close", letGo.resolve);
    else response.end(LAST);
  };
  const server = createSecureServer(
    { allowHTTP1: true, ...LOCALHOST },
    (request, response) => void answer(request, response),
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closings.push(() => void server.close());
  return { authority: `localhost:${(server.address() as AddressInfo).port}`, seen, letGo: letGo.promise };
}

const ask = (url: string, body: RequestInit["body"], signal?: AbortSignal): Promise<Response> =>
  fetch(url + CHAT, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: body ?? null,
    duplex: "half",
    ...(signal && { signal }),
  } as RequestInit);

const chat = (more: object = {}): string =>
  JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello" }], ...more });

/** A prompt of megabytes whose bytes do not repeat: lost, doubled or swapped pieces show. */
function largePrompt(): Uint8Array<ArrayBuffer> {
  let text = "";
  for (let i = 0; text.length < UPLOAD_BYTES; i++) text += `${i} `;
  return new TextEncoder().encode(chat({ messages: [{ role: "user", content: text }] }));
}

function inPieces(bytes: Uint8Array, pieceBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.each<Runtime & { version: string }>([
  { ...NODE, version: "1.1" },
  { ...NODE, runtime: "Node, HTTP/2 offered", config: { upstream_http2: true }, version: "2.0" },
  { ...BUN, version: "1.1" },
])("a provider over TLS, from $runtime", ({ version, ...runtime }) => {
  const over = (authority: string) => configOver(authority, { upstream_tls: true });

  it("is asked, streams, and takes uploads whole", async () => {
    const provider = await startProvider();
    const gateway = await startServed({ ...runtime, env: TRUSTING }, over(provider.authority));
    expect(await (await ask(gateway.url, chat())).json()).toEqual(COMPLETION);
    const stream = await ask(gateway.url, chat({ stream: true, stream_options: { include_usage: true } }));
    expect(await stream.text()).toBe(FIRST + LAST);
    const prompt = largePrompt();
    for (const body of [prompt, inPieces(prompt, 50_000)]) {
      const response = await ask(gateway.url, body);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(COMPLETION);
    }
    gateway.process.child.kill("SIGTERM");
    const rows = rowsIn((await gateway.process.ended).stdout);
    expect(rows.map(({ outcome, usage_source }) => [outcome, usage_source])).toEqual(
      Array(4).fill(["ok", "reported"]),
    );
    expect(provider.seen.map((seen) => [seen.version, seen.authorization])).toEqual(
      Array(4).fill([version, "Bearer sk-pool-1"]),
    );
    const uploads = provider.seen.slice(2);
    // A declared body has room for an edit after it, which is blanks.
    const declared = sha256(new Uint8Array([...prompt, ...Array(64).fill(0x20)]));
    expect(uploads.map((seen) => seen.sha256)).toEqual([declared, sha256(prompt)]);
  });

  it("is let go of when the client leaves", async () => {
    const provider = await startProvider();
    const gateway = await startServed({ ...runtime, env: TRUSTING }, over(provider.authority));
    const client = new AbortController();
    const stream = await ask(gateway.url, chat({ stream: true, user: "endless" }), client.signal);
    await stream.body!.getReader().read();
    client.abort();
    await provider.letGo;
    gateway.process.child.kill("SIGTERM");
    const rows = rowsIn((await gateway.process.ended).stdout);
    expect(rows).toMatchObject([{ outcome: "client_cancelled", usage_source: "estimated" }]);
  });

  it("is sent nothing where nobody vouches for it", async () => {
    const provider = await startProvider();
    const gateway = await startServed(runtime, over(provider.authority));
    const response = await ask(gateway.url, chat());
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: "upstream_unreachable" } });
    expect(provider.seen).toEqual([]);
  });
});
