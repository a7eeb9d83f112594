/** Gives processes a part of a core each, by Linux's control groups: what more cores would bring, seen on a machine that has few. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Short, so that a process that has used its part up waits for milliseconds alone. */
const PERIOD_US = 10_000;

const ROOT = "/sys/fs/cgroup";
/** Version 1 mounts each controller in a folder of its own (cgroups(7)). */
const VERSION_1 = join(ROOT, "cpu");

/**
 * From now on each process has at most `share` of a core to itself. Gives what takes the groups away, once the processes
 * have ended. Throws where this user may not do so.
 */
export function limitEach(pids: readonly string[], share: number): () => void {
  const groups = pids.map((pid) => limit(pid, Math.round(share * PERIOD_US)));
  return () => {
    for (const group of groups) rmdirSync(group);
  };
}

function limit(pid: string, quotaUs: number): string {
  const isVersion1 = existsSync(VERSION_1);
  if (!isVersion1) writeFileSync(join(ROOT, "cgroup.subtree_control"), "+cpu");
  const group = join(isVersion1 ? VERSION_1 : ROOT, `beyond-ai-bench-${pid}`);
  mkdirSync(group);
  if (isVersion1) {
    writeFileSync(join(group, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(join(group, "cpu.cfs_quota_us"), String(quotaUs));
  } else writeFileSync(join(group, "cpu.max"), `${quotaUs} ${PERIOD_US}`);
  writeFileSync(join(group, "cgroup.procs"), pid);
  return group;
}
