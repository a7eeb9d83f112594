/** Waiting for the exchanges that outlive their connections: a response that is drained, a decoder's last bytes. */
import { setTimeout as delay } from "node:timers/promises";
import type { GatewayState } from "../../src/gateway/state.ts";

/** Polled, since only a shutdown waits: requests pay nothing for it. */
const POLL_MS = 10;

/** Settles when every admitted request has had its row, or when the patience is over (milliseconds). */
export async function exchangesEnded(
  { metrics, clock }: GatewayState,
  patienceMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  const until = clock.monotonic() + patienceMs;
  while (metrics.live.inFlight > 0 && clock.monotonic() < until) await delay(POLL_MS);
}
