/** The deny-set as a tenant meets it: real gateways, a real nats-server that dies, requests that keep flowing. */
import { join } from "node:path";
import type { KV } from "@nats-io/kv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { createCleanup, temporaryDirectory } from "../support/deny.ts";
import { ask, type DenyLab, startDenyLab } from "../support/deny-gateway.ts";
import { createNatsServer, type NatsServer } from "../support/nats-server.ts";
import { startOnNode } from "../support/runtimes.ts";
import { until } from "../support/until.ts";

const BUCKET = "ai-gateway";

describe("a tenant denied over NATS", () => {
  const cleanup = createCleanup();
  let lab: DenyLab;
  let nats: NatsServer;
  let kv: KV;

  beforeAll(async () => {
    lab = await startDenyLab(startOnNode);
    cleanup.defer(() => lab.stop());
    nats = await createNatsServer();
    cleanup.defer(() => nats.dispose());
    await nats.start();
    kv = await nats.bucket(BUCKET, { history: 2 });
  });
  afterAll(() => cleanup.run());

  it("is refused on every replica while its own and other requests flow, and let in again", async () => {
    const replicas = await Promise.all([
      lab.start({ nats_url: nats.url }),
      lab.start({ nats_url: nats.url }),
    ]);
    const statuses: number[] = [];
    let flowing = true;
    const traffic = replicas.map(async (replica) => {
      while (flowing) statuses.push(await ask(replica, "7"));
    });
    await kv.put("blackhole.42", "spend");
    for (const replica of replicas) await until(async () => (await ask(replica, "42")) === 402);
    await kv.put("blackhole.key.9", "fraud");
    for (const replica of replicas) await until(async () => (await ask(replica, "8", "9")) === 403);
    await kv.delete("blackhole.42");
    for (const replica of replicas) await until(async () => (await ask(replica, "42")) === 200);
    flowing = false;
    await Promise.all(traffic);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("stays refused when NATS is killed under load, and through a restart of the gateway without NATS", async () => {
    const folder = await temporaryDirectory();
    cleanup.defer(folder.remove);
    const config = { nats_url: nats.url, snapshot_path: join(folder.path, "deny.jsonl") };
    const gateway = await lab.start(config);
    await kv.put("blackhole.43", "spend");
    await until(async () => (await ask(gateway, "43")) === 402);
    await nats.kill();
    expect([await ask(gateway, "43"), await ask(gateway, "7")]).toEqual([402, 200]);
    await gateway.stop();

    const restarted = await lab.start(config);
    expect([await ask(restarted, "43"), await ask(restarted, "7")]).toEqual([402, 200]);

    await nats.start();
    await (await nats.bucket(BUCKET, { history: 2 })).delete("blackhole.43");
    await until(async () => (await ask(restarted, "43")) === 200);
  });

  it("is refused while one of the servers is there", async () => {
    const gateway = await lab.start({ nats_url: `ws://${CLOSED_PORT}, ${nats.url}` });
    await (await nats.bucket(BUCKET, { history: 2 })).put("blackhole.45", "spend");
    await until(async () => (await ask(gateway, "45")) === 402);
  });

  it("is let in again when its expiry passes, without anyone's help", async () => {
    const gateway = await lab.start({ nats_url: nats.url });
    const bucket = await nats.bucket(BUCKET, { history: 2 });
    await bucket.put("blackhole.44", "spend");
    await until(async () => (await ask(gateway, "44")) === 402);
    const expiresAt = Math.ceil(Date.now() / 1000) + 1;
    await bucket.put("blackhole.44", JSON.stringify({ reason: "spend", expires_at: expiresAt }));
    await until(async () => (await ask(gateway, "44")) === 200);
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(expiresAt);
  });
});
