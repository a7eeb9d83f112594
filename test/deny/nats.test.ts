import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { headers, type Msg, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ServerDenyOptions, ServerDenySource } from "../../adapters/server/deny/index.ts";
import { BucketConsumer, type BucketConsumerOptions } from "../../adapters/server/deny/nats-consumer.ts";
import { followBucket } from "../../adapters/server/deny/nats-session.ts";
import { DenySet } from "../../src/deny/deny-set.ts";
import { Replica } from "../../src/deny/replica.ts";
import { createCleanup, createTestSource, recordLog } from "../support/deny.ts";
import { ADMIN, createNatsServer, type NatsServer } from "../support/nats-server.ts";
import { createTcpRelay, type TcpRelay } from "../support/tcp-relay.ts";
import { until } from "../support/until.ts";

const BUCKET = "ai-gateway";
const STREAM = `KV_${BUCKET}`;

/** The connection with some methods of its own. */
const override = (nc: NatsConnection, methods: Partial<NatsConnection>): NatsConnection =>
  new Proxy(nc, { get: (target, name) => Reflect.get(name in methods ? methods : target, name) });

describe("the deny-set from NATS", () => {
  const cleanup = createCleanup();
  let server: NatsServer;
  /** The gateways' way to the server; the tests' own clients do not take it. */
  let relay: TcpRelay;
  let logged: ReturnType<typeof recordLog>;

  beforeEach(async () => {
    logged = recordLog();
    server = await createNatsServer();
    cleanup.defer(server.dispose);
    relay = await createTcpRelay(Number(new URL(server.url).port));
    cleanup.defer(relay.close);
  });
  afterEach(cleanup.run);

  const open = async (options: Partial<ServerDenyOptions> = {}): Promise<ServerDenySource> => {
    const natsUrl = `ws://127.0.0.1:${relay.port}`;
    const source = createTestSource({ natsUrl, bucket: BUCKET, log: logged.log, ...options });
    cleanup.defer(source.close);
    await source.start();
    return source;
  };
  const openBucket = async (options = {}): Promise<KV> => {
    await server.start();
    return server.bucket(BUCKET, options);
  };
  const fill = async (kv: KV): Promise<void> => {
    for (const tenant of [1, 2]) await kv.put(`blackhole.${tenant}`, "spend");
  };
  const manage = async <T>(work: (jsm: JetStreamManager) => Promise<T>): Promise<T> =>
    work(await jetstreamManager(await server.connect()));
  const reason = (source: ServerDenySource, tenant: string) => source.lookup(tenant, undefined);
  const isDown = (source: ServerDenySource) => () => source.connected() === false;
  const isUp = (source: ServerDenySource) => () => source.connected() === true;

  it("knows what the bucket holds when it starts, and follows every change", async () => {
    const kv = await openBucket();
    await kv.put("blackhole.42", "spend");
    await kv.put("blackhole.key.18446744073709551615", "fraud");
    await kv.put("blackhole.43", "spend");
    await kv.delete("blackhole.43");
    await kv.put("other.44", "spend");
    await kv.put("blackhole.045", "spend");
    const source = await open();
    expect(source.connected()).toBe(true);
    expect(source.size()).toBe(2);
    expect(reason(source, "42")).toBe("spend");
    expect(source.lookup("1", "18446744073709551615")).toBe("fraud");

    await kv.put("blackhole.50", '{"reason":"spend","expires_at":1}');
    await kv.put("blackhole.51", new Uint8Array([0xff]));
    await kv.delete("blackhole.42");
    await kv.purge("blackhole.key.18446744073709551615");
    await until(() => source.lookup("1", "18446744073709551615") === undefined);
    expect(reason(source, "42")).toBeUndefined();
    expect(reason(source, "50")).toBeUndefined();
    expect(reason(source, "51")).toBe("unknown");
  });

  it("keeps its denies when the server is killed, and takes in what was written before it was back", async () => {
    const kv = await openBucket();
    await kv.put("blackhole.1", "spend");
    await kv.put("blackhole.2", "spend");
    const source = await open();
    relay.cut();
    await server.kill();
    await until(isDown(source));
    expect(reason(source, "1")).toBe("spend");
    expect(reason(source, "3")).toBeUndefined();

    await server.start();
    const returned = await server.bucket(BUCKET);
    await returned.put("blackhole.3", "fraud");
    await returned.delete("blackhole.1");
    expect(reason(source, "1")).toBe("spend");
    relay.restore();
    await until(() => reason(source, "3") === "fraud" && reason(source, "1") === undefined);
    expect(reason(source, "2")).toBe("spend");
  });

  it("survives kill -9 in the middle of a stream of writes, and misses none of those that were acknowledged", async () => {
    await openBucket();
    const source = await open();
    const writer = await new Kvm(await server.connect()).open(BUCKET);
    const acknowledged: number[] = [];
    const killed = until(() => acknowledged.length > 100).then(server.kill);
    for (let tenant = 1; tenant <= 150 && !isDown(source)(); tenant++) {
      await Promise.race([
        writer.put(`blackhole.${tenant}`, "spend").then(() => acknowledged.push(tenant)),
        killed,
      ]);
    }
    await killed;
    await until(isDown(source));
    await server.start();
    await until(isUp(source));
    await until(() => acknowledged.every((tenant) => reason(source, String(tenant)) === "spend"));
    expect(acknowledged.length).toBeGreaterThan(100);
  });

  it.each([
    ["between the stream's state and the watch", 1],
    ["between the watch and the scan", 2],
  ])("misses no write made %s", async (_where, nth) => {
    const kv = await openBucket({ history: 5 });
    for (const tenant of [1, 2, 3]) await kv.put(`blackhole.${tenant}`, "spend");
    const nc = await wsconnect({ servers: server.url });
    cleanup.defer(() => nc.close());
    // Holds the nth consumer's creation back until the writes have been acknowledged.
    let created = 0;
    const request: typeof nc.request = async (subject, ...rest) => {
      if (subject.includes("CONSUMER.CREATE") && ++created === nth) {
        await kv.put("blackhole.4", "fraud");
        await kv.delete("blackhole.1");
        await kv.put("blackhole.2", "fraud");
        await kv.delete("blackhole.3");
        await kv.put("blackhole.3", "spend");
      }
      return nc.request(subject, ...rest);
    };
    const set = new DenySet(() => 0);
    const closing = new AbortController();
    let scans = 0;
    const events = { onBucketMissing() {}, onWatching() {}, onScanned: () => void scans++ };
    const replica = new Replica(
      set,
      () => 0,
      () => undefined,
    );
    const following = followBucket({
      nc: override(nc, { request }),
      bucket: BUCKET,
      replica,
      rescanMs: 0,
      events,
      signal: closing.signal,
    });
    await until(() => scans > 0 && replica.position.revision === 8);
    closing.abort();
    await following;
    const held = ["1", "2", "3", "4"].map((tenant) => set.lookup("tenant", tenant));
    expect(held).toEqual([undefined, "fraud", "spend", "fraud"]);
    expect(created).toBeGreaterThanOrEqual(nth);
  });

  it("starts afresh when the stream was purged past the revision it had", async () => {
    const kv = await openBucket();
    for (const tenant of [1, 2, 3]) await kv.put(`blackhole.${tenant}`, "spend");
    const source = await open();
    relay.cut();
    await until(isDown(source));
    for (const tenant of [4, 5, 6]) await kv.put(`blackhole.${tenant}`, "spend");
    const jsm = await jetstreamManager(await server.connect());
    await jsm.streams.purge(STREAM, { seq: 6 }); // all but the last
    relay.restore();
    await until(() => source.size() === 1);
    expect(reason(source, "6")).toBe("spend");
    expect(reason(source, "1")).toBeUndefined();
  });

  it("finds a removal whose marker was purged too while it was away", async () => {
    const kv = await openBucket();
    await kv.put("blackhole.1", "spend");
    await kv.put("blackhole.2", "spend");
    const source = await open();
    relay.cut();
    await until(isDown(source));
    await kv.delete("blackhole.1");
    await (await jetstreamManager(await server.connect())).streams.purge(STREAM, {
      filter: `$KV.${BUCKET}.blackhole.1`,
    });
    relay.restore();
    await until(() => reason(source, "1") === undefined);
    expect(reason(source, "2")).toBe("spend");
  });

  it("finds a removal that left no trace at the next scan, while it is connected", async () => {
    const kv = await openBucket();
    await kv.put("blackhole.1", "spend");
    await kv.put("blackhole.2", "spend");
    const source = await open({ rescanSecs: 0.05 });
    await (await jetstreamManager(await server.connect())).streams.purge(STREAM, {
      filter: `$KV.${BUCKET}.blackhole.1`,
    });
    await until(() => reason(source, "1") === undefined);
    expect(reason(source, "2")).toBe("spend");
  });

  it("follows a bucket that is recreated, while it watches and while it is away", async () => {
    const kv = await openBucket();
    for (const tenant of [1, 2, 3, 4, 5]) await kv.put(`blackhole.${tenant}`, "spend");
    const source = await open();
    const jsm = await jetstreamManager(await server.connect());
    await jsm.streams.delete(STREAM);
    await until(isDown(source));
    // One line for it, whatever the source was asking the server for at that moment.
    expect(logged.messages("warn")).toEqual(["deny bucket does not exist, waiting for it"]);
    expect(source.size()).toBe(5);
    const second = await server.bucket(BUCKET);
    await second.put("blackhole.7", "fraud");
    await until(() => source.size() === 1 && reason(source, "7") === "fraud");

    relay.cut();
    await until(isDown(source));
    await jsm.streams.delete(STREAM);
    const third = await server.bucket(BUCKET);
    await third.put("blackhole.8", "spend"); // revision 1 again, as the 7 before it
    relay.restore();
    await until(() => source.size() === 1 && reason(source, "8") === "spend");
  });

  it.each<[string, number, (kv: KV) => Promise<unknown>]>([
    ["has nothing in it", 0, async () => undefined],
    ["was purged", 0, (kv) => manage((jsm) => fill(kv).then(() => jsm.streams.purge(STREAM)))],
    [
      "lost its last message",
      1,
      (kv) => manage((jsm) => fill(kv).then(() => jsm.streams.deleteMessage(STREAM, 2))),
    ],
    ["ends in another key", 2, (kv) => fill(kv).then(() => kv.put("other.1", "x"))],
  ])("finds the end of a bucket that %s", async (_what, size, prepare) => {
    await prepare(await openBucket());
    const source = await open();
    expect([source.connected(), source.size()]).toEqual([true, size]);
    expect(logged.messages()).toContain("deny bucket scanned");
  });

  it("follows a mirror", async () => {
    const kv = await openBucket();
    await fill(kv);
    await manage((jsm) => jsm.streams.add({ name: "KV_mirror", mirror: { name: STREAM } }));
    const source = await open({ bucket: "mirror" });
    await until(() => source.size() === 2);
    await kv.delete("blackhole.1");
    await until(() => reason(source, "1") === undefined);
  });

  it("waits for a bucket that does not exist yet", async () => {
    await server.start();
    const source = await open();
    expect(source.connected()).toBe(false);
    const kv = await server.bucket(BUCKET);
    await kv.put("blackhole.1", "spend");
    await until(() => reason(source, "1") === "spend");
    expect(logged.messages().filter((message) => message !== "deny bucket scanned")).toEqual([
      "deny bucket does not exist, waiting for it",
      "deny source connected",
    ]);
  });

  it("connects to a server that comes up long after it, with one line for the outage and not one a retry", async () => {
    await (await openBucket()).put("blackhole.1", "spend");
    await server.kill();
    const source = await open();
    relay.cut();
    await until(() => relay.refused() >= 5);
    expect([source.connected(), reason(source, "1")]).toEqual([false, undefined]);
    relay.restore();
    await server.start();
    await until(() => reason(source, "1") === "spend");
    expect(logged.messages("warn")).toEqual(["deny source down, existing denies stay: unreachable"]);
    expect(logged.messages("info")).toEqual(["deny source connected"]);
  });

  it("reopens a watch whose consumer was removed behind its back", async () => {
    const kv = await openBucket();
    const source = await open();
    const jsm = await jetstreamManager(await server.connect());
    for await (const { name } of jsm.consumers.list(STREAM)) await jsm.consumers.delete(STREAM, name);
    await kv.put("blackhole.1", "spend");
    await until(() => reason(source, "1") === "spend");
  });

  it("gives up a connection that has gone silent", async () => {
    const kv = await openBucket();
    const source = await open();
    relay.freeze();
    await until(isDown(source));
    relay.restore();
    await kv.put("blackhole.1", "spend");
    await until(() => reason(source, "1") === "spend");
  });

  it("brings two gateways on one bucket to the same set", async () => {
    const kv = await openBucket();
    const sources = [await open(), await open()];
    for (let tenant = 0; tenant < 50; tenant++) await kv.put(`blackhole.${tenant}`, "spend");
    for (let tenant = 0; tenant < 50; tenant += 2) await kv.delete(`blackhole.${tenant}`);
    await until(() => sources.every((source) => source.size() === 25 && reason(source, "48") === undefined));
    for (const source of sources) expect(reason(source, "49")).toBe("spend");
  });

  it("applies a burst of 100,000 writes in slices, and lets the event loop turn between them", async () => {
    await openBucket();
    const source = await open();
    const nc = await server.connect();
    let largestStep = 0;
    let before = source.size();
    let watching = true;
    const turn = (): void => {
      largestStep = Math.max(largestStep, source.size() - before);
      before = source.size();
      if (watching) setImmediate(turn);
    };
    turn();
    for (let tenant = 0; tenant < 100_000; tenant++) {
      nc.publish(`$KV.${BUCKET}.blackhole.${tenant}`, "spend");
      if (tenant % 5_000 === 0) await nc.flush();
    }
    await until(() => source.size() === 100_000);
    watching = false;
    expect(largestStep).toBeLessThanOrEqual(1_024);
    expect(reason(source, "99999")).toBe("spend");
  });
});

describe("a consumer of the bucket", () => {
  const cleanup = createCleanup();
  afterEach(cleanup.run);

  const LAST_REVISION = 5;
  const FAR_OFF_MS = 60_000;

  /** On an empty bucket, so that nothing comes but what a test hands in. */
  const openConsumer = async (
    methods: (nc: NatsConnection) => Partial<NatsConnection>,
    options: Partial<BucketConsumerOptions> = {},
  ) => {
    const server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
    await server.bucket(BUCKET);
    const nc = await server.connect();
    const seen: number[] = [];
    const caughtUpAfter: number[] = [];
    const consumer = new BucketConsumer({
      nc: override(nc, methods(nc)),
      stream: STREAM,
      subjectPrefix: `$KV.${BUCKET}.`,
      from: "last",
      heartbeatMs: FAR_OFF_MS,
      onChange: ({ revision }) => seen.push(revision),
      catchUp: { lastRevision: LAST_REVISION, onCaughtUp: () => caughtUpAfter.push(seen.length) },
      ...options,
    });
    cleanup.defer(() => consumer.stop());
    return { consumer, seen, caughtUpAfter };
  };

  const handedConsumer = async () => {
    let inbox = "";
    let hand: (message: Msg) => void = () => undefined;
    const opened = await openConsumer((nc) => ({
      subscribe(subject, options) {
        inbox = subject;
        hand = (message) => options?.callback?.(null, message);
        return nc.subscribe(subject, options);
      },
    }));
    await opened.consumer.opened;
    let sequence = 0;
    return {
      ...opened,
      deliver(revision: number, pending: number) {
        const reply = `$JS.ACK.${STREAM}.c.1.${revision}.${++sequence}.0.${pending}`;
        const subject = `$KV.${BUCKET}.blackhole.${revision}`;
        hand({ subject, reply, data: new TextEncoder().encode("spend") } as Msg);
      },
      beat(reached: number) {
        const beat = headers(100, "Idle Heartbeat");
        beat.set("Nats-Last-Consumer", String(sequence));
        beat.set("Nats-Last-Stream", String(reached));
        hand({ subject: inbox, headers: beat, data: new Uint8Array() } as Msg);
      },
    };
  };

  it("has not caught up when keys that expire leave nothing pending in the middle", async () => {
    const { deliver, seen, caughtUpAfter } = await handedConsumer();
    deliver(1, 0);
    deliver(3, 0);
    deliver(LAST_REVISION, 0);
    await until(() => seen.length === 3);
    expect(caughtUpAfter).toEqual([3]);
  });

  it("has not caught up when a heartbeat comes in the middle", async () => {
    const { deliver, beat, seen, caughtUpAfter } = await handedConsumer();
    deliver(1, 2);
    beat(2);
    deliver(3, 1);
    beat(LAST_REVISION);
    await until(() => caughtUpAfter.length > 0 && seen.length === 2);
    expect(caughtUpAfter).toEqual([2]);
  });

  it("expects no heartbeat before the server has made it, which may take long", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    cleanup.defer(() => vi.useRealTimers());
    const asked = Promise.withResolvers<number | undefined>();
    const held = Promise.withResolvers<void>();
    const { consumer } = await openConsumer((nc) => ({
      async request(subject, payload, options) {
        if (subject.includes("CONSUMER.CREATE")) {
          asked.resolve(options?.timeout);
          await held.promise;
        }
        return nc.request(subject, payload, options);
      },
    }));
    expect(await asked.promise).toBe(30_000);
    vi.advanceTimersByTime(10 * FAR_OFF_MS);
    held.resolve();
    await Promise.race([consumer.opened, consumer.failed]);
    vi.advanceTimersByTime(10 * FAR_OFF_MS);
    await expect(consumer.failed).rejects.toThrow("no heartbeat");
  });

  it("is removed from the server when it was stopped before it was made", async () => {
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const removals: string[] = [];
    const { consumer } = await openConsumer((nc) => ({
      async request(subject, payload, options) {
        if (subject.includes("CONSUMER.CREATE")) {
          asked.resolve();
          await held.promise;
        }
        const answer = await nc.request(subject, payload, options);
        if (subject.includes("CONSUMER.DELETE")) removals.push(answer.string());
        return answer;
      },
    }));
    await asked.promise;
    consumer.stop();
    held.resolve();
    await until(() => removals.some((answer) => answer.includes('"success":true')));
  });
});

describe("the deny-set from a NATS that asks for credentials", () => {
  const cleanup = createCleanup();
  afterEach(cleanup.run);

  it("stays on its watch where it may not hear that a stream changes", async () => {
    const permissions = `publish: ["$JS.API.>", "$JS.FC.>", "$JS.ACK.>", "_INBOX.>"], subscribe: ["_INBOX.>"]`;
    const server = await createNatsServer({
      users: [ADMIN, { user: "gateway", password: "secret", permissions }],
    });
    cleanup.defer(server.dispose);
    await server.start();
    const admin = await server.connect();
    const kv = await new Kvm(admin).create(BUCKET);
    await kv.put("blackhole.1", "spend");
    let heartbeats = 0;
    admin.subscribe("_INBOX.>", {
      callback: (_error, message) => void (message.headers?.code === 100 && heartbeats++),
    });
    const { log, messages } = recordLog();
    const source = createTestSource({ natsUrl: server.urlFor("gateway"), bucket: BUCKET, log });
    cleanup.defer(source.close);
    await source.start();
    const scans = () => messages().filter((message) => message === "deny bucket scanned").length;
    // A watch has its first heartbeat after a second.
    await until(() => heartbeats > 0 || scans() > 1);
    expect([scans(), source.connected()]).toEqual([1, true]);
    await kv.put("blackhole.2", "fraud");
    await until(() => source.lookup("2", undefined) === "fraud");
    expect(scans()).toBe(1);
  });

  it("says once that they are refused, without them, fails open, and gets in with the right ones", async () => {
    const server = await createNatsServer({ users: [{ user: "gateway", password: "s3cret%word" }] });
    cleanup.defer(server.dispose);
    await server.start();
    const kv = await server.bucket(BUCKET);
    await kv.put("blackhole.1", "spend");
    const { log, lines, messages } = recordLog();

    const relay = await createTcpRelay(Number(new URL(server.url).port));
    cleanup.defer(relay.close);
    const refused = createTestSource({
      natsUrl: `ws://gateway:wr0ng@127.0.0.1:${relay.port}`,
      bucket: BUCKET,
      log,
    });
    cleanup.defer(refused.close);
    await refused.start();
    await until(() => relay.accepted() >= 5);
    expect([refused.connected(), refused.lookup("1", undefined)]).toEqual([false, undefined]);

    const accepted = createTestSource({
      natsUrl: `ws://gateway:s3cret%25word@${new URL(server.url).host}`,
      log: () => undefined,
    });
    cleanup.defer(accepted.close);
    await accepted.start();
    expect(accepted.lookup("1", undefined)).toBe("spend");
    expect(messages()).toEqual(["deny source down, existing denies stay: credentials refused"]);
    expect(JSON.stringify(lines)).not.toMatch(/wr0ng|s3cret/);
  });

  it.each([
    ["are garbage", { natsCreds: "-----BEGIN NATS USER JWT-----\ntop-secret\n" }],
    ["are in a file that is not there", { natsCredsFile: "/nowhere/gateway.creds" }],
  ])("fails open when the credentials %s, and does not print them", async (_what, creds) => {
    const server = await createNatsServer();
    cleanup.defer(server.dispose);
    await server.start();
    const { log, lines } = recordLog();
    const source = createTestSource({ natsUrl: server.url, log, ...creds });
    cleanup.defer(source.close);
    await source.start();
    expect([source.connected(), source.lookup("1", "2")]).toEqual([false, undefined]);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain("top-secret");
  });
});
