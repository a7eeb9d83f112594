/** What a group of processes has used, read from Linux's /proc (proc_pid_stat(5)). */
import { readdirSync, readFileSync } from "node:fs";

/** Fields of /proc/PID/stat, counted from the one after the command's name. */
const PGRP = 2;
const UTIME = 11;
const STIME = 12;
const RSS_PAGES = 21;

/** USER_HZ, the same on every architecture that Node runs on. */
const TICKS_PER_SEC = 100;
const PAGE_BYTES = 4096;
const SAMPLE_MS = 10;

export interface Processes {
  /** A process group's id; 0 is none. */
  readonly group: number;
  /** Only those of its members that run this command. */
  readonly command?: string;
}

/** User and system time of all of them since they began, in seconds, to 10 ms. */
export const cpuSeconds = (processes: Processes): number => cpuSecondsOf(membersOf(processes));

export function cpuSecondsOf(pids: readonly string[]): number {
  const ticks = pids.map(readStat).map((stat) => Number(stat[UTIME] ?? 0) + Number(stat[STIME] ?? 0));
  return sum(ticks) / TICKS_PER_SEC;
}

/** Resident memory of all of them, in bytes. Pages that they share count more than once. */
export const residentBytes = (processes: Processes): number => residentOf(membersOf(processes));

/** The most that those of now held while the work went on, in bytes, sampled. */
export async function watchResidentBytes<R>(
  processes: Processes,
  work: () => Promise<R>,
): Promise<{ readonly result: R; readonly peakBytes: number }> {
  const members = membersOf(processes);
  let peakBytes = residentOf(members);
  const sample = (): void => {
    peakBytes = Math.max(peakBytes, residentOf(members));
  };
  const timer = setInterval(sample, SAMPLE_MS);
  try {
    return { result: await work(), peakBytes };
  } finally {
    clearInterval(timer);
  }
}

const residentOf = (pids: readonly string[]): number =>
  sum(pids.map((pid) => Number(readStat(pid)[RSS_PAGES] ?? 0))) * PAGE_BYTES;

/** Their process ids; the first process of a group is the one that it is named after. */
export function membersOf({ group, command }: Processes): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const members = pids.filter((pid) => readStat(pid)[PGRP] === String(group));
  return command === undefined ? members : members.filter((pid) => commandOf(pid) === command);
}

/** Empty for a process that has just ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

/** Empty for a process that has just ended. */
function readStat(pid: string): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name stands in parentheses and may hold both.
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
