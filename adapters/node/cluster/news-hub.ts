/** Passes on, in the primary, what each worker tells: to all others, in batches, so that the messages grow with the workers and not with their square. */
import { createBatcher } from "./batcher.ts";
import { NEWS_MS, type News } from "./shared-limits.ts";
import type { WorkerProcess } from "./worker-process.ts";

export interface NewsHub {
  /** From the worker of that number. */
  add(from: number, news: News): void;
}

/** `workers`: those alive at the moment, by number. */
export function createNewsHub(workers: ReadonlyMap<number, Pick<WorkerProcess, "tell">>): NewsHub {
  let waiting: { readonly from: number; readonly news: News }[] = [];
  const batch = createBatcher(NEWS_MS, () => {
    const told = waiting;
    waiting = [];
    for (const [number, worker] of workers) {
      const news = told.filter(({ from }) => from !== number).map((one) => one.news);
      if (news.length > 0) worker.tell({ type: "news", news });
    }
  });
  return {
    add(from, news) {
      waiting.push({ from, news });
      if (news.verdicts.length > 0) batch.now();
      else batch.soon();
    },
  };
}
