/** Ceilings and denies of two workers, as one client meets them. */
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFile } from "../cli/cli.ts";
import { COMPLETION, chatBytes, openChat } from "../holds/lab.ts";
import { json } from "../support/answers.ts";
import { createCleanup } from "../support/deny.ts";
import { mint } from "../support/mint.ts";
import { createNatsServer } from "../support/nats-server.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/until.ts";
import { askAll, killWorker, serveWorkers } from "./lab.ts";

const HEADER = '{"format":"beyond-ai-deny/1","revision":0}\n';
const RPS = 50;
const WORKERS = 2;

const cleanup = createCleanup();
let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn(json(200, COMPLETION));
  cleanup.defer(() => standIn.close());
});
afterEach(cleanup.run);

describe("the ceiling of a credential", () => {
  it("is reached whole on a single connection", async () => {
    const { url } = await serveWorkers(standIn.authority, { rate_limit_rps: RPS });
    const connection = await openChat(url);
    expect((await connection.readResponse()).status).toBe(200);
    for (let n = 1; n < RPS; n++) {
      connection.send(chatBytes(url));
      expect((await connection.readResponse()).status).toBe(200);
    }
  });

  it("holds for both workers together, but for a second's worth at once in each", async () => {
    const { url } = await serveWorkers(standIn.authority, { rate_limit_rps: RPS });
    const beganMs = performance.now();
    let allowed = 0;
    // Each worker on its own would let these through in half the time.
    const enough = (WORKERS + 4) * RPS;
    const client = async (): Promise<void> => {
      while (allowed < enough) {
        const connection = await openChat(url);
        if ((await connection.readResponse()).status === 200) allowed++;
        connection.destroy();
        await delay(5);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    const elapsedSecs = (performance.now() - beganMs) / 1000;
    expect(allowed).toBeLessThanOrEqual(RPS * (WORKERS + elapsedSecs) + 8);
  });
});

describe("a deny", () => {
  const key = mint({ tenantId: "666" });

  it("of the snapshot file is in force in every worker from the first request on, and follows the file", async () => {
    const file = temporaryFile("deny.jsonl", `${HEADER}{"key":"blackhole.666","value":"spend"}\n`);
    const gateway = await serveWorkers(standIn.authority, { snapshot_path: file });
    expect(await askAll(gateway.url, key)).toEqual([402, 402, 402, 402]);
    expect(await askAll(gateway.url)).toEqual([200, 200, 200, 200]);
    writeFileSync(file, `${HEADER}{"key":"blackhole.667","value":"fraud"}\n`);
    await until(async () => (await askAll(gateway.url, key)).every((status) => status === 200));
    await until(async () =>
      (await askAll(gateway.url, mint({ tenantId: "667" }))).every((status) => status === 403),
    );
  });

  it("over NATS reaches every worker, and one that comes later", async () => {
    const nats = await createNatsServer();
    cleanup.defer(() => nats.dispose());
    await nats.start();
    const kv = await nats.bucket("ai-gateway");
    await kv.put("blackhole.667", "fraud");
    const gateway = await serveWorkers(standIn.authority, { nats_url: nats.url });
    expect(await askAll(gateway.url, mint({ tenantId: "667" }))).toEqual([403, 403, 403, 403]);
    await kv.put("blackhole.666", "spend");
    await until(async () => (await askAll(gateway.url, key)).every((status) => status === 402));
    await killWorker(gateway, 2);
    expect(await askAll(gateway.url, key)).toEqual([402, 402, 402, 402]);
    await kv.delete("blackhole.666");
    await until(async () => (await askAll(gateway.url, key)).every((status) => status === 200));
    // One connection to NATS, whatever the number of workers.
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(text).toMatch(/^ai_nats_connected 1$/m);
    expect(text).toMatch(/^ai_deny_set_size 1$/m);
  });
});
