/** 64 MB prompts, one after the other: MB/s, and what the process grows by while it relays them. */
import { SMALL_BODY } from "../load/bodies.ts";
import { loadOptions, runLoadProgram } from "../load/load.ts";
import type { Uploads } from "../load/upload.ts";
import { residentBytes, watchResidentBytes } from "../process-group.ts";
import { closedLoop, type Scenario, WARM_UP_SECS } from "../scenario.ts";

const BYTES = 64_000_000;
const UPLOADS = 5;
const MAX_SECS = 60;
const WARM_UP_CONNECTIONS = 32;

export const upload: Scenario = {
  name: "upload",
  title: "64 MB upload",
  metrics: ["mbPerSecond", "grownMb"],
  answer: "json",
  direct: false,
  async measure(target, settings) {
    const warmUp = await closedLoop(target, settings, {
      body: SMALL_BODY,
      connections: WARM_UP_CONNECTIONS,
      secs: WARM_UP_SECS,
    });
    const before = residentBytes(target.group);
    const peak = watchResidentBytes(target.group);
    const options = { ...loadOptions(target), bytes: BYTES, uploads: UPLOADS, secs: MAX_SECS };
    const { answered, uploadSecs } = await runLoadProgram<Uploads>("upload.ts", options).finally(peak);
    return {
      figures: {
        mbPerSecond: (UPLOADS * BYTES) / 1e6 / uploadSecs,
        grownMb: (peak() - before) / 1e6,
      },
      answered: warmUp.answered + answered,
      cutOff: WARM_UP_CONNECTIONS,
    };
  },
};
