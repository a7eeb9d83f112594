/** The live feed: server-sent events for each page that is open, at the page's own pace. */
import type { RowRing } from "./row-ring.ts";
import type { Sample, Sampler } from "./sampler.ts";
import type { Frame, Hello, LiveRow } from "./wire.ts";

export interface Feed {
  /** A new watcher's events, or undefined when there are too many. Cancelling the stream ends the watch. */
  open(): ReadableStream<Uint8Array> | undefined;
}

export interface FeedOptions {
  readonly rows: RowRing;
  readonly sampler: Sampler;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Pages open at once. */
  readonly maxWatchers?: number;
}

export function createFeed({ rows, sampler, version, startedAt, maxWatchers = 32 }: FeedOptions): Feed {
  let watchers = 0;
  return {
    open() {
      if (watchers >= maxWatchers) return undefined;
      watchers++;
      let seen = 0;
      let unsubscribe = (): void => {};
      const takeRows = (): LiveRow[] => {
        const news = rows.since(seen);
        seen = news.seen;
        return news.rows;
      };
      return new ReadableStream<Uint8Array>({
        start(controller) {
          const hello: Hello = { version, startedAt, rows: takeRows() };
          controller.enqueue(eventOf("hello", hello));
          unsubscribe = sampler.subscribe((sample: Sample) => {
            // A page that does not keep up misses samples, never rows, and holds no memory of ours.
            if ((controller.desiredSize ?? 0) <= 0) return;
            const frame: Frame = { ...sample, rows: takeRows() };
            controller.enqueue(eventOf("frame", frame));
          });
        },
        cancel() {
          watchers--;
          unsubscribe();
        },
      });
    },
  };
}

const encoder = new TextEncoder();

function eventOf(name: string, data: Hello | Frame): Uint8Array {
  return encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
