/**
 * One ephemeral, ordered push consumer over a bucket's deny entries.
 *
 * The KV library's watch is not used: it recreates its consumer on its own, answers flow control before a message is
 * applied, and ends a scan on counts that may be early. Here a gap or a silence is an error, for the session to mend.
 */

import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import {
  createInbox,
  deferred,
  type Msg,
  type NatsConnection,
  nanos,
  nuid,
  type Subscription,
} from "@nats-io/nats-core";
import { KEY_PREFIX, parseDenyKey, parseDenyValue } from "../../../src/deny/entry.ts";
import type { BucketChange } from "../../../src/deny/replica.ts";

/** Messages applied in one turn of the event loop: about a millisecond. */
const SLICE = 256;

/** Heartbeats that may be missed in a row. */
const MISSED_HEARTBEATS = 3;

/** To find the last message of each of 500,000 keys takes the server two seconds. */
const CREATE_TIMEOUT_MS = 30_000;

/** NATS removes the consumer this long after its connection went away. */
const INACTIVE_MS = 10_000;

export interface BucketConsumerOptions {
  readonly nc: NatsConnection;
  readonly stream: string;
  /** What stands before a key in the stream's subjects: `$KV.{bucket}.` */
  readonly subjectPrefix: string;
  /** The first revision to deliver; "last" = the last message of every key. */
  readonly from: number | "last";
  readonly heartbeatMs: number;
  readonly onChange: (change: BucketChange) => void;
  /** For a reader that wants to know when it has seen all that there was. */
  readonly catchUp?: {
    /** The stream's last revision before the consumer was opened. */
    readonly lastRevision: number;
    /** Everything up to there has been applied. Called again and again. */
    readonly onCaughtUp: () => void;
  };
}

/** A consumer that is being opened, or is open. */
export class BucketConsumer {
  readonly opened = deferred<void>();
  /** Rejects when the server refuses the consumer, on a gap, on silence and on a permission error; never resolves. */
  readonly failed = deferred<never>();
  readonly #options: BucketConsumerOptions;
  readonly #name = `beyond-ai-${nuid.next()}`;
  readonly #inbox = createInbox();
  readonly #manager: Promise<JetStreamManager>;
  readonly #subscription: Subscription;
  #ticker: NodeJS.Timeout | undefined;
  #queue: Msg[] = [];
  #applied = 0;
  #sequence = 0;
  #scheduled = false;
  #stopped = false;
  #silentTicks = 0;

  constructor(options: BucketConsumerOptions) {
    this.#options = options;
    this.failed.catch(() => undefined); // handled by whoever awaits it later
    this.#subscription = options.nc.subscribe(this.#inbox, {
      callback: (error, message) => (error ? this.#fail(error) : this.#receive(message)),
    });
    this.#manager = jetstreamManager(options.nc, { checkAPI: false, timeout: CREATE_TIMEOUT_MS });
    this.#open().catch((error: unknown) => this.#fail(error));
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#ticker);
    if (this.#options.nc.isClosed()) return;
    this.#subscription.unsubscribe();
    this.#remove().catch(() => undefined); // failing that, the server removes it after INACTIVE_MS
  }

  async #open(): Promise<void> {
    const { consumers } = await this.#manager;
    await consumers.add(this.#options.stream, this.#config());
    if (this.#stopped) return this.#remove();
    this.#expectHeartbeats();
    this.opened.resolve();
  }

  async #remove(): Promise<void> {
    const { consumers } = await this.#manager;
    await consumers.delete(this.#options.stream, this.#name);
  }

  /** Silence is counted in our own ticks: an event loop that stalls delays them as it delays the heartbeats. */
  #expectHeartbeats(): void {
    this.#ticker = setInterval(() => {
      if (++this.#silentTicks > MISSED_HEARTBEATS) this.#fail(new Error("no heartbeat from the watch"));
    }, this.#options.heartbeatMs);
  }

  #config(): Partial<ConsumerConfig> {
    const { from, subjectPrefix, heartbeatMs } = this.#options;
    return {
      name: this.#name,
      deliver_subject: this.#inbox,
      filter_subject: `${subjectPrefix}${KEY_PREFIX}>`,
      deliver_policy: from === "last" ? DeliverPolicy.LastPerSubject : DeliverPolicy.StartSequence,
      ...(from !== "last" && { opt_start_seq: from }),
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(heartbeatMs),
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #fail(error: unknown): void {
    this.stop();
    this.failed.reject(error);
  }

  #receive(message: Msg): void {
    this.#silentTicks = 0;
    this.#queue.push(message);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#applySlice());
  }

  #applySlice(): void {
    this.#scheduled = false;
    const end = Math.min(this.#applied + SLICE, this.#queue.length);
    try {
      while (!this.#stopped && this.#applied < end) this.#handle(this.#queue[this.#applied++]!);
    } catch (error) {
      this.#fail(error);
    }
    if (!this.#stopped && this.#applied < this.#queue.length) {
      this.#schedule();
      return;
    }
    this.#queue = [];
    this.#applied = 0;
  }

  #handle(message: Msg): void {
    if (message.subject === this.#inbox) {
      this.#handleControl(message);
      return;
    }
    const { subjectPrefix, onChange } = this.#options;
    const { revision, sequence, pending } = parseDelivery(message.reply ?? "");
    if (sequence !== this.#sequence + 1) throw new Error("gap in the watch");
    this.#sequence = sequence;
    const change = readChange(message, subjectPrefix, revision);
    if (change !== undefined) onChange(change);
    if (pending === 0) this.#noteReached(revision);
  }

  /** Flow control is answered in its turn, when what came before is applied: the server's window bounds our queue. */
  #handleControl(message: Msg): void {
    const { headers } = message;
    const stalledOn = headers?.get("Nats-Consumer-Stalled");
    const delivered = headers?.get("Nats-Last-Consumer");
    if (message.reply) message.respond();
    else if (stalledOn) this.#options.nc.publish(stalledOn);
    else if (!delivered) throw new Error(`the watch was ended: ${headers?.description ?? "no reason"}`);
    else if (Number(delivered) > this.#sequence) throw new Error("gap in the watch");
    else this.#noteReached(Number(headers?.get("Nats-Last-Stream")));
  }

  /**
   * Nothing is on its way, says the server, and the consumer stands at this revision. That may be said in the middle:
   * the count of what is pending drops as keys expire, and a key that was overwritten makes the server pause.
   */
  #noteReached(revision: number): void {
    const { catchUp } = this.#options;
    if (catchUp !== undefined && revision >= catchUp.lastRevision) catchUp.onCaughtUp();
  }
}

/** From the reply subject (ADR-15): `$JS.ACK.…`, nine tokens, or eleven and more with domain and account. */
function parseDelivery(reply: string): { revision: number; sequence: number; pending: number } {
  const tokens = reply.split(".");
  const at = tokens.length === 9 ? 5 : 7;
  return { revision: Number(tokens[at]), sequence: Number(tokens[at + 1]), pending: Number(tokens[at + 3]) };
}

function readChange(message: Msg, subjectPrefix: string, revision: number): BucketChange | undefined {
  const id = parseDenyKey(message.subject.slice(subjectPrefix.length));
  if (id === undefined) return undefined;
  return { id, deny: isRemoval(message) ? undefined : parseDenyValue(textOf(message.data)), revision };
}

/** A client's delete or purge (ADR-8), or the marker that the server leaves for an expired key (ADR-43). */
function isRemoval({ headers }: Msg): boolean {
  if (headers === undefined) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.has("Nats-Marker-Reason");
}

/** Bytes that are no UTF-8 become U+FFFD, which no value that we know contains. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
