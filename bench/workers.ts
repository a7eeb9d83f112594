/**
 * `npm run build && node bench/workers.ts`: what `workers = N` brings where there are cores for them. Each worker gets a fifth
 * of a core, so that load, provider and primary find room beside them. Linux, as root. Prints a table.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { checkRows } from "./http/check-rows.ts";
import { limitEach } from "./http/cpu-share.ts";
import { startGateway } from "./http/gateway.ts";
import { openHarnessFolder } from "./http/harness-folder.ts";
import { SMALL_BODY } from "./http/load/bodies.ts";
import { describeMachine, machineLine } from "./http/machine.ts";
import { cpuSecondsOf, membersOf } from "./http/process-group.ts";
import { findProgram } from "./http/project.ts";
import { closedLoop, plus } from "./http/scenario.ts";
import { median } from "./http/statistics.ts";
import { startPrintingPort } from "./http/target.ts";

const WORKERS = [1, 2, 3, 4];
const SHARE_OF_CORE = 0.2;
const ROUNDS = 5;
const SECS = 2;
/** For each worker: what a request costs falls with how many are under way. */
const CONNECTIONS = 16;
/** For each worker, before it is held to its share. */
const WARM_UP_SECS = 4;

const folder = openHarnessFolder();

const settings = { secs: SECS, wrk: findProgram("wrk"), folder };
const machine = describeMachine(settings.wrk);
const measured = new Map(WORKERS.map((workers) => [workers, [] as Figures[]]));
for (let round = 1; round <= ROUNDS; round++) {
  for (const workers of WORKERS) {
    const figures = await measure(workers);
    console.error(`round ${round}: ${workers} workers: ${JSON.stringify(figures)}`);
    measured.get(workers)!.push(figures);
  }
}
console.log(`${machineLine(machine)}; ${SHARE_OF_CORE} of a core each, ${ROUNDS} rounds of ${SECS} s.\n`);
console.log("| workers | small JSON a second | × one | the primary, of a core |");
console.log("| ------: | ------------------: | ----: | ---------------------: |");
const one = median(measured.get(1)!.map(({ perSecond }) => perSecond));
for (const [workers, figures] of measured) {
  const perSecond = median(figures.map((one) => one.perSecond));
  const primary = workers === 1 ? "–" : median(figures.map((one) => one.primary)).toFixed(2);
  console.log(`| ${workers} | ${perSecond.toFixed(0)} | ${(perSecond / one).toFixed(2)} | ${primary} |`);
}

interface Figures {
  readonly perSecond: number;
  /** CPU seconds in a second. */
  readonly primary: number;
}

/** Every request must be in the rows. */
async function measure(workers: number): Promise<Figures> {
  const provider = await startPrintingPort([process.execPath, "bench/http/provider.ts"]);
  const place = {
    providerPort: Number(new URL(provider.origin).port),
    folder: mkdtempSync(join(folder, "target-")),
  };
  const command = [process.execPath, "dist/adapters/node/bin.js", "serve"];
  const gateway = await startGateway(command, place, { config: { workers } });
  const load = { body: SMALL_BODY, connections: workers * CONNECTIONS };
  const warm = await closedLoop(gateway, settings, { ...load, secs: workers * WARM_UP_SECS });
  const primary = String(gateway.processes.group);
  const unlimit = limitEach(
    membersOf(gateway.processes).filter((pid) => workers === 1 || pid !== primary),
    SHARE_OF_CORE,
  );
  const cpuBefore = cpuSecondsOf([primary]);
  const counts = await closedLoop(gateway, settings, { ...load, secs: SECS });
  const cpu = cpuSecondsOf([primary]) - cpuBefore;
  await gateway.stop();
  await provider.stop();
  unlimit();
  checkRows(gateway.rowsFile!, new Map([["json", plus(warm, counts)]]));
  return { perSecond: counts.answered / SECS, primary: cpu / SECS };
}
