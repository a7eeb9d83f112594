/** Portkey's gateway, where it is installed: in a folder that is named, in the project, or on the PATH. */
import { realpathSync } from "node:fs";
import { startChild } from "./child.ts";
import { findFreePort, untilListening } from "./free-port.ts";
import { findProgram, resolveModule } from "./project.ts";
import { BYO_HEADERS, type Place, type RunningTarget, runningTarget } from "./target.ts";

/** The script that its package runs; its command is named `gateway`, as others may be. */
export function findPortkey(folder: string | undefined): string | undefined {
  const script = resolveModule("@portkey-ai/gateway/build/start-server.js", folder);
  if (script !== undefined) return script;
  const command = findProgram("gateway");
  const file = command === undefined ? "" : realpathSync(command);
  return file.includes("@portkey-ai/gateway") ? file : undefined;
}

export async function startPortkey(
  node: string,
  script: string,
  { providerPort }: Place,
): Promise<RunningTarget> {
  const port = await findFreePort();
  const child = startChild({ command: [node, script, `--port=${port}`, "--headless"], lines: "stderr" });
  const headers = {
    ...BYO_HEADERS,
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `http://127.0.0.1:${providerPort}/v1`,
  };
  return runningTarget(child, untilListening(port), { headers });
}
