/** wrk as the load. Its own figures go to stdout; a script's last words are read from stderr. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child.ts";
import type { ClosedLoopOptions } from "./closed-loop.ts";
import { LOAD_GRACE_MS, type LoadResult, refuseFailures } from "./load.ts";

export async function runWrk(
  program: string,
  folder: string,
  options: ClosedLoopOptions,
): Promise<LoadResult> {
  const { origin, path, connections, secs } = options;
  const script = join(folder, "load.lua");
  writeFileSync(script, luaScript(options));
  const load = ["-t", "1", "-c", String(connections), "-d", `${secs}s`, "--timeout", "30s"];
  const child = startChild({ command: [program, ...load, "-s", script, origin + path], lines: "stderr" });
  try {
    return refuseFailures(await child.line(readResult, secs * 1000 + LOAD_GRACE_MS));
  } finally {
    await child.stop();
  }
}

function luaScript({ headers, bodyFile }: ClosedLoopOptions): string {
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`);
  return `
wrk.method = "POST"
${lines.join("\n")}
wrk.body = io.open(${lua(bodyFile)}, "rb"):read("*a")
function done(summary)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.stderr:write(string.format('{"answered":%d,"failed":%d}\\n', summary.requests - e.status, failed))
end
`;
}

/** JSON's escapes for printable ASCII are Lua's. */
const lua = (text: string): string => JSON.stringify(text);

const readResult = (line: string): LoadResult | undefined =>
  line.startsWith("{") ? JSON.parse(line) : undefined;
