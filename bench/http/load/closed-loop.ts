/** The built-in load, where there is no wrk: so many connections, each asking again as soon as it is answered. */
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import { type LoadOptions, readOptions, tell } from "./load.ts";

export interface ClosedLoopOptions extends LoadOptions {
  readonly bodyFile: string;
  readonly connections: number;
  readonly secs: number;
}

const { origin, path, headers, bodyFile, connections, secs } = readOptions<ClosedLoopOptions>();
const pool = new Pool(origin, { connections, pipelining: 1 });
const body = readFileSync(bodyFile);
const end = performance.now() + secs * 1000;
let answered = 0;
let failed = 0;

async function askUntilTheEnd(): Promise<void> {
  while (performance.now() < end) {
    try {
      const response = await pool.request({ method: "POST", path, headers, body });
      for await (const _chunk of response.body);
      if (response.statusCode === 200) answered++;
      else failed++;
    } catch {
      failed++;
    }
  }
}

await Promise.all(Array.from({ length: connections }, askUntilTheEnd));
tell({ answered, failed });
