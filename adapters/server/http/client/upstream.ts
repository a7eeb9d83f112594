/** The `Upstream` port over an HTTP client, for the portable relay on a server. */
import {
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../../../src/gateway/ports.ts";
import type { Call, CallEvents, HttpClient, ResponseHead } from "./http-client.ts";

export const createUpstream = (client: HttpClient): Upstream => ({
  send: (request) => new Sending(request).run(client),
});

class Sending implements CallEvents {
  readonly #request: UpstreamRequest;
  readonly #response = Promise.withResolvers<UpstreamResponse>();
  #call: Call | undefined;
  #isConnected = false;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #drained: (() => void) | undefined;
  #isOver = false;

  constructor(request: UpstreamRequest) {
    this.#request = request;
  }

  run(client: HttpClient): Promise<UpstreamResponse> {
    const { body, signal } = this.#request;
    if (body instanceof ReadableStream) this.#upload = body.getReader();
    signal.addEventListener("abort", this.#abort, { once: true });
    this.#call = client.call(
      { ...this.#request, body: body instanceof ReadableStream ? "streamed" : body },
      this,
    );
    if (signal.aborted) this.#abort();
    return this.#response.promise;
  }

  readonly #abort = (): void => {
    this.#call?.abort();
    this.#fail(new Error("given up"));
  };

  onConnectRetry(): void {
    this.#request.onConnectRetry();
  }

  onStart(call: Call): void {
    this.#isConnected = true;
    if (this.#upload) void this.#send(this.#upload, call);
  }

  async #send(upload: ReadableStreamDefaultReader<Uint8Array>, call: Call): Promise<void> {
    try {
      while (!this.#isOver) {
        const { done, value } = await upload.read();
        if (this.#isOver) return;
        if (done) return void call.end([]);
        if (call.write([value])) continue;
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      }
    } catch (error) {
      // A body that breaks off must never look whole.
      call.abort();
      this.#fail(error as Error);
    }
  }

  onDrain(): void {
    this.#drained?.();
  }

  onSent(): void {}

  onHead({ status, statusText, headers }: ResponseHead, hasBody: boolean): void {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      pull: () => this.#call?.resume(),
      cancel: () => this.#abort(),
    });
    this.#response.resolve({ status, statusText, headers, body: hasBody ? body : null });
  }

  onData(bytes: Uint8Array): void {
    this.#body!.enqueue(bytes);
    if ((this.#body!.desiredSize ?? 0) <= 0) this.#call?.pause();
  }

  onRead(): void {}

  onEnd(): void {
    this.#stop();
    this.#body!.close();
  }

  /** Nobody wants the rest of the request. */
  #stop(): void {
    this.#isOver = true;
    this.#request.signal.removeEventListener("abort", this.#abort);
    this.#drained?.();
    void this.#upload?.cancel().catch(() => {});
  }

  onFailed(error: Error): void {
    const code = error instanceof UpstreamError ? error.code : "upstream_unreachable";
    this.#fail(new UpstreamError(code, error, this.#isConnected));
  }

  #fail(error: Error): void {
    this.#stop();
    this.#response.reject(error);
    try {
      this.#body?.error(error);
    } catch {
      // The reader cancelled it first.
    }
  }
}
