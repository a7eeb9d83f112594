/** 64 MB prompts, one after the other: MB/s, and what the process grows by while it relays them. */
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { Uploads } from "../load/upload.ts";
import { residentBytes, watchResidentBytes } from "../process-group.ts";
import { cutOffBy, type Scenario, SMALL_WARM_UP, warmUp } from "../scenario.ts";

const BYTES = 64_000_000;
const UPLOADS = 5;
const MAX_SECS = 60;

export const upload: Scenario = {
  name: "upload",
  title: "64 MB upload",
  metrics: ["mbPerSecond", "grownMb"],
  answer: "json",
  direct: false,
  async measure(target, settings) {
    const before = await warmUp(target, settings, SMALL_WARM_UP);
    const residentBefore = residentBytes(target.group);
    const peak = watchResidentBytes(target.group);
    const options = { ...loadOptions(target), bytes: BYTES, uploads: UPLOADS, secs: MAX_SECS };
    const { answered, uploadSecs } = await runLoadProgram<Uploads>("upload.ts", options).finally(peak);
    return {
      figures: {
        mbPerSecond: (UPLOADS * BYTES) / 1e6 / uploadSecs,
        grownMb: (peak() - residentBefore) / 1e6,
      },
      answered: before + answered,
      cutOff: cutOffBy(SMALL_WARM_UP.connections),
    };
  },
};
