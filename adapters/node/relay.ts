/**
 * The native transport of Node: node:http in, undici `dispatch` out, chunks handed on untouched. The same steps and
 * scanners as the portable relay (src/gateway/relay.ts), without its Request, Response and stream objects.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { type Admission, admit, type Plan } from "../../src/gateway/admission.ts";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import { Exchange } from "../../src/gateway/exchange.ts";
import { CONNECT_RETRIES } from "../../src/gateway/fetch-upstream.ts";
import { internalError, refuse } from "../../src/gateway/refusals.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import { breakOff, discard, writeError } from "./answer.ts";
import { type BodyWriter, createBodyWriter, MAX_COPIED_BYTES } from "./body-writer.ts";
import { type ChunkTaker, createGatherer, type Gatherer } from "./gatherer.ts";
import { inboundOf } from "./inbound.ts";
import { Upload, type UploadEvents } from "./upload.ts";
import { errorCodeOf, headerList, type Pools } from "./upstream.ts";

/** What the requests of one server share. */
export interface Transport {
  readonly state: GatewayState;
  readonly pools: () => Pools;
  readonly gatherer: Gatherer;
}

export function createTransport(state: GatewayState, pools: () => Pools): Transport {
  return { state, pools, gatherer: createGatherer(MAX_COPIED_BYTES) };
}

const ignore = (): void => {};
const uncork = (relay: NodeRelay): void => relay.uncork();

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** `expectsContinue`: the client waits for a `100 Continue` before it sends its body, so a refusal can save it the upload. */
export function createListener(transport: Transport, expectsContinue = false): Listener {
  const { state } = transport;
  return (request, response) => {
    state.metrics.requests.add();
    const settled = (admission: Admission): void => {
      if (!admission.ok) return writeError(request, response, refuse(state, admission));
      if (expectsContinue) response.writeContinue();
      new NodeRelay(transport, request, response, admission).start();
    };
    const failed = (error: unknown): void => {
      state.log("error", "request failed", { error: String(error) });
      writeError(request, response, internalError(state));
    };
    try {
      const admission = admit(state, inboundOf(request));
      if (admission instanceof Promise) admission.then(settled).catch(failed);
      else settled(admission);
    } catch (error) {
      failed(error);
    }
  };
}

class NodeRelay implements Dispatcher.DispatchHandler, UploadEvents, ChunkTaker {
  readonly #state: GatewayState;
  readonly #pools: Pools;
  readonly #gatherer: Gatherer;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #plan: Plan;
  readonly #exchange: Exchange;
  readonly #upload: Upload;
  #flow: Dispatcher.DispatchController | undefined;
  #timedOut = false;
  #retries = 0;
  #bodyRefused: ErrorCode | undefined;
  #clientGone = false;
  #walking = false;
  #gathers = false;
  #body: BodyWriter | undefined;
  #wroteBody = false;
  /** Between the response's head and the end of its tick. */
  #isCorked = false;
  #endsUncorked = false;
  /** The response says how much is to come: chunked, or by its length. */
  #isFramed = false;
  #drainedBytes = 0;
  #drainTimer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(
    { state, pools, gatherer }: Transport,
    request: IncomingMessage,
    response: ServerResponse,
    plan: Plan,
  ) {
    this.#state = state;
    this.#pools = pools();
    this.#gatherer = gatherer;
    this.#request = request;
    this.#response = response;
    this.#plan = plan;
    this.#exchange = new Exchange(state, plan);
    this.#upload = new Upload(request, this.#exchange, state.clock, this);
  }

  start(): void {
    this.#response.once("close", () => this.#onClose());
    this.#response.on("error", ignore);
    this.#request.on("error", ignore);
    this.#upload.start();
  }

  ready(): void {
    const { provider, method, path, query } = this.#plan;
    const headers = this.#exchange.headersUp();
    const { length } = this.#upload;
    if (length !== undefined) headers.push("content-length", String(length));
    try {
      this.#pools.poolFor(provider.authority).dispatch(
        {
          method: method as Dispatcher.HttpMethod,
          path: path + query,
          headers,
          // undici takes anything that behaves like a stream, which its types do not say.
          body: this.#upload.open() as Readable | Uint8Array | null,
        },
        this,
      );
    } catch (error) {
      this.#state.log("error", "request failed", { request_id: this.#plan.requestId, error: String(error) });
      this.#fail("internal_error");
    }
  }

  refused(code: ErrorCode): void {
    if (this.#ended || this.#bodyRefused !== undefined) return;
    this.#bodyRefused = code;
    if (!this.#flow) return this.#fail(code);
    // `onResponseError` answers; the provider sees a body that never ended.
    this.#flow.abort(new Error(code));
  }

  stalled(): void {
    this.#timedOut = true;
    this.#flow?.abort(new Error("the provider takes no more of the request"));
  }

  onRequestStart(flow: Dispatcher.DispatchController): void {
    this.#flow = flow;
    if (this.#clientGone) flow.abort(new Error("the client left"));
  }

  onRequestSent(): void {
    this.#upload.sent();
  }

  onResponseStart(
    flow: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    if (status < 200) return;
    if (this.#exchange.walkToNextKey(status)) {
      this.#walking = true;
      // Its body is nobody's; waiting for it would make the client wait.
      return flow.abort(new Error("on with the next pool key"));
    }
    this.#upload.forget();
    this.#exchange.hold(0);
    const response = this.#response;
    const list = this.#exchange.begin(status, headerList(headers));
    if (this.#clientGone) {
      if (!this.#drainTimer) flow.abort(new Error("the client left"));
      return;
    }
    response.writeHead(status, statusText ?? "", list);
    this.#isFramed = response.chunkedEncoding || "content-length" in headers;
    this.#body = createBodyWriter(response);
    // A decoder keeps what it is given.
    this.#gathers = !("content-encoding" in headers);
    // The head goes out with what comes in this tick, in one write. (`response.cork` loses chunks that are followed by `end`.)
    response.socket?.cork();
    this.#isCorked = true;
    process.nextTick(uncork, this);
  }

  onResponseData(_flow: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#walking) return;
    if (this.#gathers && chunk.length <= MAX_COPIED_BYTES) return this.#gatherer.add(this, chunk);
    this.#gatherer.flush();
    this.take(chunk);
  }

  take(bytes: Buffer): void {
    const wait = this.#clientGone ? this.#drain(bytes) : this.#exchange.relay(bytes, this.#write);
    if (wait) {
      this.#flow?.pause();
      void wait.then(() => this.#resume());
    }
    if (this.#response.writableNeedDrain && !this.#clientGone) {
      this.#flow?.pause();
      this.#exchange.hold(this.#response.writableLength);
      this.#response.once("drain", () => this.#onDrain());
    }
  }

  readonly #write = (bytes: Uint8Array): void => {
    this.#wroteBody = true;
    this.#body!.write(bytes);
  };

  uncork(): void {
    this.#gatherer.flush();
    this.#isCorked = false;
    if (!this.#wroteBody && !this.#response.writableEnded) this.#response.flushHeaders();
    this.#response.socket?.uncork();
    if (this.#endsUncorked) this.#body!.end();
  }

  #onDrain(): void {
    this.#exchange.hold(0);
    this.#resume();
  }

  #resume(): void {
    if (this.#clientGone || !this.#response.writableNeedDrain) this.#flow?.resume();
  }

  onResponseEnd(): void {
    if (this.#walking) return this.#walkOn();
    this.#gatherer.flush();
    if (!this.#clientGone) {
      this.#exchange.flush(this.#write);
      // A whole body in the tick of its head: ended while corked, node:http would add an empty write of its own.
      if (this.#isCorked && this.#wroteBody) this.#endsUncorked = true;
      else this.#body!.end();
    }
    this.#end(this.#clientGone ? "client_gone" : "complete");
  }

  onResponseError(_flow: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#ended) return;
    this.#gatherer.flush();
    this.#upload.stop();
    if (this.#bodyRefused !== undefined) return this.#fail(this.#bodyRefused);
    if (this.#clientGone) return this.#end("client_gone");
    if (this.#walking) return this.#walkOn();
    if (!this.#flow && this.#retries < CONNECT_RETRIES) {
      this.#retries++;
      this.#exchange.connectRetried();
      return this.ready();
    }
    const { requestId, provider } = this.#plan;
    this.#state.log("warn", "upstream failed", {
      request_id: requestId,
      provider: provider.name,
      error: error.message,
    });
    if (!this.#response.headersSent && this.#response.statusMessage === undefined) {
      return this.#fail(this.#timedOut ? "upstream_timeout" : errorCodeOf(error));
    }
    this.#exchange.flush(this.#write);
    breakOff(this.#response, this.#isFramed);
    this.#end("upstream_cut");
  }

  /** The 429 is over, whole or not: on with the next pool key. */
  #walkOn(): void {
    this.#walking = false;
    this.ready();
  }

  #fail(code: ErrorCode): void {
    this.#ended = true;
    const refusal = this.#exchange.fail(code);
    writeError(this.#request, this.#response, refusal);
  }

  #end(ending: "complete" | "client_gone" | "upstream_cut"): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#drainTimer);
    this.#upload.stop();
    this.#exchange.finish(ending);
    // A provider may answer before the upload is through; the rest of it must not hold the connection.
    if (!this.#request.complete) discard(this.#request);
  }

  /** The connection closed: of itself after a whole answer, else the client went away. */
  #onClose(): void {
    if (this.#ended || this.#response.writableFinished) return;
    this.#gatherer.flush();
    this.#clientGone = true;
    this.#upload.clientLeft();
    if (this.#exchange.clientLeft(true)) {
      const { drainMaxSecs } = this.#plan.settings.config;
      this.#drainTimer = setTimeout(() => this.#stopDraining(), drainMaxSecs * 1000);
      return this.#flow?.resume();
    }
    this.#flow?.abort(new Error("the client left"));
    this.#end("client_gone");
  }

  #drain(chunk: Buffer): void | Promise<void> {
    this.#drainedBytes += chunk.length;
    if (this.#drainedBytes > this.#plan.settings.config.drainMaxBytes) return this.#stopDraining();
    return this.#exchange.drain(chunk);
  }

  #stopDraining(): void {
    this.#flow?.abort(new Error("the client left"));
    this.#end("client_gone");
  }
}
