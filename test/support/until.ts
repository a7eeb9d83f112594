/** Waiting for what has no event. */
import { setTimeout as delay } from "node:timers/promises";

/** Asks again until it is so; the test's own time limit ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(5);
}
