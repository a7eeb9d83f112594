/** A worker of `workers = N`: a gateway without an admin listener, which the primary tells what to do. */
import type { Log } from "../../../src/gateway/ports.ts";
import { reconfigure } from "../../../src/gateway/state.ts";
import { codeOf, messageOf } from "../../server/errors.ts";
import { prepareGateway, SYSTEM_CLOCK } from "../../server/gateway.ts";
import { createLog } from "../../server/log.ts";
import { nodeRuntime } from "../runtime.ts";
import { boundYoungGeneration } from "../young-generation.ts";
import { createDenyReplica, type DenyReplica } from "./deny-replica.ts";
import { createEnding } from "./ending.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./messages.ts";
import { createReporter } from "./reporter.ts";
import { createSharedLimits, type SharedLimits } from "./shared-limits.ts";

/** Signals that reach the whole process group are the primary's to answer. */
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

boundYoungGeneration();
process.once("message", work);

/** A primary that is gone takes this process with it: node:cluster ends it when the channel closes. */
function tell(message: FromWorker, onTold: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, onTold);
}

function work(start: WorkerStart): void {
  const denies = createDenyReplica(SYSTEM_CLOCK.now);
  const shared = createSharedLimits(start.seed, SYSTEM_CLOCK, (news) => tell({ type: "news", news }));
  // Messages that come earlier wait for it. If it fails, the process reports that and exits.
  const opened = open(start, denies, shared).catch((error: unknown) => fail(error));
  process.on("message", (message: ToWorker) => {
    switch (message.type) {
      case "deny":
        return denies.take(message.batch);
      case "news":
        for (const news of message.news) shared.hear(news);
        return;
      case "config":
        return void opened.then(({ state }) => reconfigure(state, message.config));
      case "report":
        return void opened.then(({ reporter }) => reporter.report());
      case "drain":
        return void opened.then(({ end }) => end());
      case "destroy":
        return void opened.then(({ server, end }) => {
          server.destroy();
          end();
        });
    }
  });
}

async function open(
  { number, config, address, version }: WorkerStart,
  deny: DenyReplica,
  { limits }: SharedLimits,
) {
  const write = createLog(config.logLevel);
  const log: Log = (level, message, fields) => write(level, message, { worker: number, ...fields });
  const gateway = await prepareGateway({ config, version, log, deny, relays: true, limits });
  const { state } = gateway;
  const server = await nodeRuntime.listen(state, address);
  const reporter = createReporter(number, state.metrics, tell);
  const close = () => gateway.close(server);
  tell({ type: "listening", port: server.port });
  return { state, server, reporter, end: createEnding({ close, reporter, log, exit: process.exit }) };
}

function fail(error: unknown): Promise<never> {
  const failed: FromWorker = { type: "failed", code: codeOf(error), message: messageOf(error) };
  return new Promise(() => tell(failed, () => process.exit(1)));
}
