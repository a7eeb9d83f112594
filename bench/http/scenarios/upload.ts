/** 64 MB prompts, one after the other: MB/s, and what the process grows by while it relays them. */
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { Uploads } from "../load/upload.ts";
import { residentBytes, watchResidentBytes } from "../process-group.ts";
import { plus, type Scenario, SMALL_WARM_UP, warmUp } from "../scenario.ts";

const BYTES = 64_000_000;
const UPLOADS = 3;
const MAX_SECS = 60;

export const upload: Scenario = {
  name: "upload",
  title: "64 MB upload",
  metrics: ["mbPerSecond", "grownMb"],
  answer: "json",
  without: [],
  alone: true,
  async measure(target, settings) {
    const warm = await warmUp(target, settings, SMALL_WARM_UP);
    const residentBefore = residentBytes(target.processes);
    const options = { ...loadOptions(target), bytes: BYTES, uploads: UPLOADS, secs: MAX_SECS };
    const { result, peakBytes } = await watchResidentBytes(target.processes, () =>
      runLoadProgram<Uploads>("upload.ts", options),
    );
    const isProxy = target.processes.group !== 0;
    return {
      figures: {
        mbPerSecond: (UPLOADS * BYTES) / 1e6 / result.uploadSecs,
        ...(isProxy && { grownMb: (peakBytes - residentBefore) / 1e6 }),
      },
      counts: plus(warm, { answered: result.answered, cutOff: 0 }),
    };
  },
};
