/** One reading a second while somebody looks, shared by all who do; nothing at all while nobody does. */
import type { GatewayState } from "../../../src/gateway/state.ts";
import { type Reading, ratesBetween, takeReading } from "./readings.ts";
import type { Frame } from "./wire.ts";

/** A frame without the rows, which are each watcher's own. */
export type Sample = Omit<Frame, "rows">;

export interface Sampler {
  /** Calls back with each sample until the returned function is called. */
  subscribe(onSample: (sample: Sample) => void): () => void;
}

export interface SamplerOptions {
  readonly state: GatewayState;
  readonly isDraining: () => boolean;
  readonly intervalMs?: number;
}

/** Percentiles are over the requests that ended in this many intervals. */
const WINDOW = 30;

export function createSampler({ state, isDraining, intervalMs = 1000 }: SamplerOptions): Sampler {
  const subscribers = new Set<(sample: Sample) => void>();
  let readings: Reading[] = [];
  let timer: NodeJS.Timeout | undefined;

  const tick = (): void => {
    const now = takeReading(state);
    const sample: Sample = {
      at: state.clock.now(),
      ...ratesBetween(readings.at(-1)!, now, readings[0]!),
      ...gaugesOf(state),
      draining: isDraining(),
    };
    readings = [...readings, now].slice(-WINDOW);
    for (const onSample of subscribers) onSample(sample);
  };

  return {
    subscribe(onSample) {
      subscribers.add(onSample);
      if (timer === undefined) {
        readings = [takeReading(state)];
        timer = setInterval(tick, intervalMs);
      }
      return () => {
        subscribers.delete(onSample);
        if (subscribers.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

function gaugesOf({ metrics, deny, settings, clock }: GatewayState) {
  const nowMs = clock.monotonic();
  return {
    inFlight: metrics.live.inFlight,
    streams: metrics.live.streams,
    circuits: Object.fromEntries(
      [...settings.breakers].map(([name, breaker]) => [name, breaker.isOpen(nowMs)]),
    ),
    denied: deny.size?.() ?? 0,
    denyConnected: deny.connected?.() ?? null,
  };
}
