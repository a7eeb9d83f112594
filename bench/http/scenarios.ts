/** Every scenario, in the order that a target meets them. */
import type { Scenario } from "./scenario.ts";
import { coldStart } from "./scenarios/cold-start.ts";
import { latency } from "./scenarios/latency.ts";
import { slowStreams } from "./scenarios/slow-streams.ts";
import { json, prompts, streams } from "./scenarios/throughput.ts";
import { upload } from "./scenarios/upload.ts";

export const SCENARIOS: readonly Scenario[] = [
  coldStart,
  json,
  streams,
  prompts,
  latency,
  upload,
  slowStreams,
];
