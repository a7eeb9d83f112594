/** What the figures were measured on and with. */
import { cpus, loadavg, release, totalmem } from "node:os";
import { versionOf } from "./targets.ts";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** Over the minute before the run: above 0.1 or so, something else was at work. */
  readonly loadBefore: number;
  readonly load: string;
}

export function describeMachine(wrk: string | undefined): Machine {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    load: wrk === undefined ? "built-in load" : `wrk ${versionOf(wrk)}`,
  };
}

export const machineLine = ({ date, cpu, cores, memoryGb, kernel, loadBefore, load }: Machine): string =>
  `${date}, ${cpu}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}, ${load}, load before the run ${loadBefore}`;
