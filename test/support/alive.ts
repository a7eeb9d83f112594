/** What a process is doing, by proc(5). */
import { readFileSync } from "node:fs";

export function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody reaps (no init in a container) is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The process has put its own SIGHUP handler in place (bit 0 of the caught signals, proc(5)); Node has none of its own. */
export function catchesSighup(pid: number | undefined): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}
