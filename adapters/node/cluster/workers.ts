/** The primary of `workers = N`: what the processes that share the port are handed, and what they count together. */
import cluster from "node:cluster";
import type { ListenAddress } from "../../../src/config/address.ts";
import type { Config } from "../../../src/config/keys.ts";
import type { GatewayState } from "../../../src/gateway/state.ts";
import { SYSTEM_CLOCK } from "../../server/gateway.ts";
import type { Workers, WorkersOptions } from "../../server/runtime.ts";
import { feedDenies } from "./deny-feed.ts";
import { gatherReports } from "./gather.ts";
import { createNewsHub } from "./news-hub.ts";
import { createSharedLimits } from "./shared-limits.ts";
import { supervise } from "./supervisor.ts";
import { workerEntry } from "./worker-entry.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";

export function openWorkers(options: WorkersOptions): Workers {
  const { count, version, log, deny, onRow, onCutRow } = options;
  const seed = randomSeed();
  const shared = createSharedLimits(seed, SYSTEM_CLOCK);
  /** By number. */
  const alive = new Map<number, WorkerProcess>();
  const hub = createNewsHub(alive);

  const start = (number: number, state: GatewayState, address: ListenAddress): WorkerProcess => {
    const reports = gatherReports(state.metrics);
    const worker = startWorker(
      { type: "start", number, config: workerConfig(state.settings.config, count), address, version, seed },
      {
        onRow,
        onReport: reports.take,
        onNews(news) {
          shared.hear(news);
          hub.add(number, news);
        },
      },
    );
    const stopFeed = feedDenies(deny, (batch) => worker.send({ type: "deny", batch }));
    alive.set(number, worker);
    void worker.ended.then(({ cutRow }) => {
      alive.delete(number);
      stopFeed();
      reports.end();
      if (!cutRow) return;
      onCutRow();
      log("error", "a worker died in the middle of a usage row, which is lost", { worker: number });
    });
    return worker;
  };

  const listening = (): WorkerProcess[] => [...alive.values()].filter((worker) => worker.isListening());
  const collect = async (): Promise<string[]> => {
    const texts = await Promise.all(listening().map((worker) => worker.report()));
    return texts.filter((text) => text !== undefined);
  };

  return {
    limits: shared.limits,
    collect,
    listen(state, address) {
      cluster.setupPrimary({
        exec: workerEntry(),
        args: [],
        serialization: "advanced",
        stdio: ["ignore", "pipe", "inherit", "ipc"],
      });
      return supervise({ count, log, start: (number) => start(number, state, address) });
    },
    health() {
      const there = listening().length;
      if (there === count) return "ok";
      return there === 0 ? "down" : "degraded";
    },
    async reconfigure(config) {
      const message = { type: "config", config: workerConfig(config, count) } as const;
      for (const worker of alive.values()) worker.tell(message);
      // Messages are handled in order: once a worker has reported, it has taken up the config.
      await collect();
    },
  };
}

/** Memory is the one limit that is divided: a worker cannot free what another one holds. */
function workerConfig(config: Config, count: number): Config {
  return { ...config, maxBufferedBytes: Math.ceil(config.maxBufferedBytes / count) };
}

function randomSeed(): readonly [number, number] {
  const [first = 0, second = 0] = crypto.getRandomValues(new Int32Array(2));
  return [first, second];
}
