/** One request of a client's connection and its answer: where the connection meets the relay. */
import type { ErrorResponse } from "../../../../src/gateway/errors.ts";
import { type AnswerHead, MAX_WHOLE_BODY } from "../../../../src/gateway/exchange.ts";
import type { Answer, Relay } from "../../relay.ts";
import type { Upload } from "../../upload.ts";
import { frameChunk } from "../chunked-body.ts";
import type { CarriedRequest, ClientConnection } from "./connection.ts";
import type { RequestHead } from "./request-parser.ts";
import { formatResponseHead } from "./response-head.ts";

const CLOSE = "connection: close\r\n";

/** What is written until `flush` or `end` goes out in one write, the head with what comes along with it. */
export class ServedRequest implements Answer, CarriedRequest {
  readonly head: RequestHead;
  readonly #connection: ClientConnection;
  #relay: Relay | undefined;
  #upload: Upload | undefined;
  /** Of the response, until it is written. */
  #text = "";
  #parts: Uint8Array[] = [];
  #hasHead = false;
  #isChunked = false;
  /** The client knows how much is to come: chunked, or by its length. */
  #isFramed = true;
  /** Some of it waits for the client. */
  #isWaiting = false;
  #isEnded = false;
  #isBroken = false;

  constructor(head: RequestHead, connection: ClientConnection) {
    this.head = head;
    this.#connection = connection;
    connection.carry(this);
  }

  /** Admitted. */
  run(relay: Relay, upload: Upload): void {
    this.#relay = relay;
    this.#upload = upload;
    if (this.#connection.isClosed) return relay.clientLeft();
    const { hasBody, expectsContinue } = this.head;
    if (expectsContinue && hasBody)
      this.#isWaiting = !this.#connection.write("HTTP/1.1 100 Continue\r\n\r\n", []);
    upload.run(hasBody);
    // It may have failed on the spot.
    if (!this.#isEnded) this.#connection.readBody();
  }

  onBody(bytes: Uint8Array): void {
    this.#upload!.push(bytes);
  }

  onEnd(): void {
    this.#upload!.end();
  }

  begin(status: number, statusText: string, { headers, length }: AnswerHead, hasBody: boolean): void {
    const isCounted = length !== undefined || !hasBody;
    this.#isChunked = !isCounted && !this.head.isOld;
    this.#isFramed = isCounted || this.#isChunked;
    if (!this.#isFramed) this.#connection.isLast = true;
    const coding = this.#isChunked ? "transfer-encoding: chunked\r\n" : "";
    this.#text = formatResponseHead(status, headers, `${coding}${this.#connectionLine()}`, statusText);
    this.#hasHead = true;
  }

  #connectionLine(): string {
    if (this.#connection.isLast) return CLOSE;
    return this.head.isOld ? "connection: keep-alive\r\n" : "";
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  flush(): number {
    if (!this.#isWaiting) this.#send();
    return this.#isWaiting ? MAX_WHOLE_BODY : 0;
  }

  end(): void {
    this.#isEnded = true;
    if (!this.#isWaiting) this.#send();
    this.#endIfSent();
  }

  /** Nothing waits. */
  #send(): void {
    const parts = this.#parts;
    const text = this.#text + (this.#isChunked ? frameChunk(parts, this.#isEnded) : "");
    this.#text = "";
    this.#parts = [];
    if (text !== "" || parts.length > 0) this.#isWaiting = !this.#connection.write(text, parts);
  }

  #endIfSent(): void {
    if (this.#isWaiting) return;
    if (this.#isBroken) this.#connection.breakOff(this.#isFramed);
    else if (this.#isEnded) this.#connection.answered();
  }

  onDrain(): void {
    this.#isWaiting = false;
    this.#send();
    this.#endIfSent();
    if (!this.#isWaiting) this.#relay?.clientReads();
  }

  refuse({ status, headers, body }: ErrorResponse): void {
    const { expectsContinue, hasBody, method } = this.head;
    // A client that was not told `100 Continue` may send its body, or not.
    const isUnclear = expectsContinue && hasBody && !this.#relay;
    if (isUnclear || !this.#isRestSmall()) this.#connection.isLast = true;
    const bytes = Buffer.from(body);
    const all = [...headers, "content-length", String(bytes.length)];
    this.#text = formatResponseHead(status, all, this.#connectionLine());
    this.#hasHead = true;
    if (method !== "HEAD") this.#parts = [bytes];
    this.end();
  }

  /** What still comes of the request is read and dropped sooner than a connection is made. */
  #isRestSmall(): boolean {
    const { length } = this.head;
    return this.#connection.hasWholeRequest || (length !== undefined && length <= MAX_WHOLE_BODY);
  }

  breakOff(): void {
    this.#isBroken = true;
    if (!this.#isWaiting) this.#send();
    this.#endIfSent();
  }

  abandon(): void {
    this.#parts = [];
  }

  onLeft(): void {
    this.#upload?.clientLeft();
    this.#relay?.clientLeft();
  }

  onCutOff(): void {
    this.#upload?.clientLeft();
    this.#relay?.cutOff();
  }

  onGivenUp(): boolean {
    const isAnswered = this.#hasHead;
    this.onLeft();
    return isAnswered;
  }
}
