/**
 * Many slow streams at once: how old an event is when it comes. Opens a few, says "few", opens the rest, listens for `measuredSecs`, and
 * says "all": between the two the harness sees what a stream costs in memory, free of what the first ones made the process grow.
 */
import { setTimeout as delay } from "node:timers/promises";
import { GAP_HEADER } from "../answers.ts";
import { percentile } from "../statistics.ts";
import { type LoadOptions, type LoadResult, readOptions, tell } from "./load.ts";
import { openSlowStream } from "./slow-stream.ts";

export interface SlowStreamsOptions extends LoadOptions {
  readonly few: number;
  readonly all: number;
  readonly gapMs: number;
  readonly measuredSecs: number;
  /** All of it may take so long. */
  readonly secs: number;
}

export interface EventAges extends LoadResult {
  readonly ageP50Ms: number;
  readonly ageP99Ms: number;
}

/** Opening them is spread over this, and they get as long again to settle. */
const OPENING_MS = 300;

const { origin, path, headers, few, all, gapMs, measuredSecs } = readOptions<SlowStreamsOptions>();
const ages: number[] = [];
let isMeasuring = false;
let answered = 0;
let failed = 0;

const stream = {
  url: new URL(path, origin),
  headers: { ...headers, [GAP_HEADER]: String(gapMs) },
  onEvent: (ageMs: number) => {
    if (isMeasuring) ages.push(ageMs);
  },
  onEnd: () => {
    answered++;
  },
  onFailure: () => {
    failed++;
  },
};

async function open(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    openSlowStream(stream);
    await delay(OPENING_MS / count);
  }
  await delay(OPENING_MS);
}

await open(few);
tell({ phase: "few" });
await open(all - few);
isMeasuring = true;
await delay(measuredSecs * 1000);
tell({ phase: "all" });
const result: EventAges = {
  answered,
  failed,
  ageP50Ms: percentile(ages, 0.5),
  ageP99Ms: percentile(ages, 0.99),
};
tell(result);
process.exit();
