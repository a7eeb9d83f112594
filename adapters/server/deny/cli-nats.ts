/** `beyond-ai deny` on a JetStream bucket. */

import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { deferred, type NatsConnection } from "@nats-io/nats-core";
import { formatDenyKey, formatDenyValue } from "../../../src/deny/entry.ts";
import { CliError } from "../cli/conventions.ts";
import { messageOf } from "../errors.ts";
import type { DenyTarget, ListedDeny } from "./cli-target.ts";
import { BucketConsumer } from "./nats-consumer.ts";
import { bucketState } from "./nats-session.ts";
import { closeSoon, connect, type NatsAccess, redactUrl } from "./nats-source.ts";

const HEARTBEAT_MS = 250;

export function natsTarget(access: NatsAccess, bucket: string): DenyTarget {
  const server = redactUrl(access.natsUrl);

  const withConnection = async <T>(work: (nc: NatsConnection) => Promise<T>): Promise<T> => {
    const nc = await connect(access).catch((error: unknown) => {
      throw new CliError(`--nats-url: cannot connect to ${server}: ${messageOf(error)}`);
    });
    try {
      return await work(nc);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(`--nats-url: ${server} refused: ${messageOf(error)}`);
    } finally {
      await closeSoon(nc);
    }
  };
  const missing = (): CliError =>
    new CliError(`--bucket: there is no bucket ${bucket} on ${server} (deny add creates it)`);

  return {
    list: () =>
      withConnection(async (nc) => {
        const jsm = await jetstreamManager(nc, { checkAPI: false });
        const state = await bucketState(jsm, bucket);
        if (state === undefined) throw missing();
        const found: ListedDeny[] = [];
        const done = deferred<void>();
        const consumer = new BucketConsumer({
          nc,
          stream: `KV_${bucket}`,
          subjectPrefix: state.subjectPrefix,
          from: "last",
          heartbeatMs: HEARTBEAT_MS,
          onChange: ({ id, deny }) => {
            if (deny !== undefined) found.push({ id, deny });
          },
          catchUp: { lastRevision: state.lastRevision, onCaughtUp: () => done.resolve() },
        });
        await Promise.race([done, consumer.failed]);
        consumer.stop();
        return found;
      }),
    add: (id, deny) =>
      withConnection(async (nc) => {
        const kvm = new Kvm(nc);
        const exists =
          (await bucketState(await jetstreamManager(nc, { checkAPI: false }), bucket)) !== undefined;
        const kv = await (exists ? kvm.open(bucket) : kvm.create(bucket));
        if (!exists) process.stderr.write(`created the bucket ${bucket} on ${server}\n`);
        await kv.put(formatDenyKey(id), formatDenyValue(deny));
      }),
    remove: (id) =>
      withConnection(async (nc) => {
        if ((await bucketState(await jetstreamManager(nc, { checkAPI: false }), bucket)) === undefined)
          throw missing();
        const kv = await new Kvm(nc).open(bucket);
        const held = await kv.get(formatDenyKey(id));
        if (held === null || held.operation !== "PUT") return false;
        await kv.delete(formatDenyKey(id));
        return true;
      }),
  };
}
