import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DenySet } from "../../../src/deny/deny-set.ts";
import { type Deny, formatDenyKey, parseDenyKey } from "../../../src/deny/entry.ts";
import { Replica } from "../../../src/deny/replica.ts";

const SPEND: Deny = { reason: "spend", expiresAt: 0 };
const FRAUD: Deny = { reason: "fraud", expiresAt: 0 };

interface Message {
  readonly revision: number;
  readonly key: string;
  readonly deny: Deny | undefined;
}

/** A bucket as NATS keeps it: a log with history, from which messages can vanish without a marker. */
class Bucket {
  created = "first";
  messages: Message[] = [];
  last = 0;

  write(key: string, deny: Deny | undefined): void {
    this.messages.push({ revision: ++this.last, key, deny });
  }
  vanish(key: string): void {
    this.messages = this.messages.filter((message) => message.key !== key);
  }
  recreate(): void {
    Object.assign(this, { created: `${this.created}'`, messages: [], last: 0 });
  }
  state() {
    return {
      created: this.created,
      firstRevision: this.messages[0]?.revision ?? this.last + 1,
      lastRevision: this.last,
    };
  }
  lastOfEachKey(): Message[] {
    const last = new Map(this.messages.map((message) => [message.key, message]));
    return [...last.values()].sort((a, b) => a.revision - b.revision);
  }
  denied(): Record<string, Deny> {
    return Object.fromEntries(
      this.lastOfEachKey().flatMap(({ key, deny }) => (deny === undefined ? [] : [[key, deny]])),
    );
  }
}

const change = ({ key, deny, revision }: Message) => ({ id: parseDenyKey(key)!, deny, revision });

/** A connection: a watch and a scan, each of which delivers when it is told to. */
class Connection {
  readonly #bucket: Bucket;
  readonly #replica: Replica;
  readonly #from: number;
  #watched: number;
  #scan: Message[] = [];

  constructor(bucket: Bucket, replica: Replica) {
    this.#bucket = bucket;
    this.#replica = replica;
    this.#from = replica.resume(bucket.state());
    this.#watched = this.#from - 1;
  }
  beginScan(): void {
    this.#replica.beginScan();
    this.#scan = this.#bucket.lastOfEachKey();
  }
  scanOne(): boolean {
    const message = this.#scan.shift();
    if (message !== undefined) this.#replica.scanned(change(message));
    return message !== undefined;
  }
  watchOne(): boolean {
    const message = this.#bucket.messages.find(({ revision }) => revision > this.#watched);
    if (message === undefined) return false;
    this.#watched = message.revision;
    this.#replica.watched(change(message));
    return true;
  }
}

function setUp(now = () => 0) {
  const set = new DenySet(now);
  const journal: Record<string, Deny> = {};
  const replica = new Replica(set, now, ({ id, deny }) => {
    if (deny === undefined) delete journal[formatDenyKey(id)];
    else journal[formatDenyKey(id)] = deny;
  });
  const held = () => Object.fromEntries([...set.entries()].map(([id, deny]) => [formatDenyKey(id), deny]));
  return { bucket: new Bucket(), set, replica, held, journal };
}

describe("Replica", () => {
  it("ends up as the bucket, whatever is written, removed, purged and recreated between the steps of watch and scan", () => {
    const key = fc.integer({ min: 1, max: 5 }).map((n) => `blackhole.${n}`);
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.tuple(fc.constant("write" as const), key, fc.constantFrom(SPEND, FRAUD)) },
      { weight: 3, arbitrary: fc.tuple(fc.constant("remove" as const), key) },
      { weight: 1, arbitrary: fc.tuple(fc.constant("vanish" as const), key) },
      { weight: 6, arbitrary: fc.tuple(fc.constantFrom("watch" as const, "scan" as const)) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom("rescan" as const, "reconnect" as const, "recreate" as const)),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const { bucket, replica, held, journal } = setUp();
        let connection = new Connection(bucket, replica);
        connection.beginScan();
        const reconnect = () => {
          replica.abandonScan();
          connection = new Connection(bucket, replica);
          connection.beginScan();
        };
        const finishScan = () => {
          while (connection.scanOne());
          replica.endScan();
        };
        for (const [op, on, deny] of steps) {
          if (op === "write") bucket.write(on!, deny);
          else if (op === "remove") bucket.write(on!, undefined);
          else if (op === "vanish") bucket.vanish(on!);
          else if (op === "watch") connection.watchOne();
          else if (op === "scan") connection.scanOne();
          else if (op === "reconnect") reconnect();
          else if (op === "rescan") {
            finishScan();
            connection.beginScan();
          } else {
            bucket.recreate();
            reconnect();
          }
        }
        finishScan();
        connection.beginScan();
        while (connection.watchOne());
        finishScan();
        expect(held()).toEqual(bucket.denied());
        expect(journal).toEqual(held());
      }),
      { numRuns: 2_000 },
    );
  });

  it("never lets a deny lapse while the scan and the watch bring it again", () => {
    const { bucket, set, replica } = setUp();
    bucket.write("blackhole.1", SPEND);
    const first = new Connection(bucket, replica);
    first.beginScan();
    while (first.scanOne());
    replica.endScan();
    // Denied twice more while away; with history, the watch meets both.
    bucket.write("blackhole.1", FRAUD);
    bucket.write("blackhole.1", SPEND);
    const second = new Connection(bucket, replica);
    second.beginScan();
    for (const step of [
      () => second.scanOne(),
      () => replica.endScan(),
      () => second.watchOne(),
      () => second.watchOne(),
    ]) {
      step();
      expect(set.lookup("tenant", "1")).toBeDefined();
    }
    expect(set.lookup("tenant", "1")).toBe("spend");
  });

  it("does not bring back a deny that the watch saw removed after the scan's view of it", () => {
    const { bucket, set, replica } = setUp();
    bucket.write("blackhole.1", SPEND);
    const connection = new Connection(bucket, replica);
    connection.beginScan();
    bucket.write("blackhole.1", undefined);
    connection.watchOne();
    connection.scanOne();
    replica.endScan();
    expect(set.lookup("tenant", "1")).toBeUndefined();
  });

  it("resumes after its revision on the same stream, and starts afresh otherwise", () => {
    const stream = { created: "a", firstRevision: 3, lastRevision: 9 };
    const resumed = (position: { stream: string | undefined; revision: number }) => {
      const { replica } = setUp();
      replica.restore(position);
      return replica.resume(stream);
    };
    expect(resumed({ stream: "a", revision: 5 })).toBe(6);
    expect(resumed({ stream: "a", revision: 2 })).toBe(3);
    expect(resumed({ stream: "a", revision: 9 })).toBe(10);
    expect(resumed({ stream: "a", revision: 1 })).toBe(10);
    expect(resumed({ stream: "a", revision: 10 })).toBe(10);
    expect(resumed({ stream: "b", revision: 5 })).toBe(10);
    expect(resumed({ stream: undefined, revision: 0 })).toBe(10);
  });

  it("tells of a change only when there is one", () => {
    const set = new DenySet(() => 0);
    const told: unknown[] = [];
    const replica = new Replica(
      set,
      () => 0,
      (entry) => told.push(entry),
    );
    const id = parseDenyKey("blackhole.1")!;
    replica.watched({ id, deny: SPEND, revision: 1 });
    replica.watched({ id, deny: SPEND, revision: 2 });
    replica.watched({ id, deny: undefined, revision: 3 });
    replica.watched({ id, deny: undefined, revision: 4 });
    expect(told).toEqual([
      { id, deny: SPEND, revision: 1 },
      { id, deny: undefined, revision: 3 },
    ]);
    expect(replica.position.revision).toBe(4);
  });

  it("drops what expired over an hour ago, and keeps what a clock's step could bring back", () => {
    const { replica, held } = setUp(() => 10_000_000);
    replica.watched({
      id: parseDenyKey("blackhole.1")!,
      deny: { reason: "spend", expiresAt: 6_399 },
      revision: 1,
    });
    replica.watched({
      id: parseDenyKey("blackhole.2")!,
      deny: { reason: "spend", expiresAt: 6_400 },
      revision: 2,
    });
    expect(Object.keys(held())).toEqual(["blackhole.2"]);
  });
});
