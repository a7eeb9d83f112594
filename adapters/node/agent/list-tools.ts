/** `beyond-ai-agent tools`: what the model would be offered here. */
import { createProcesses } from "./tools/processes.ts";
import { createTools } from "./tools/table.ts";

export function listTools(flags: { readonly json?: boolean }, env: NodeJS.ProcessEnv): string {
  const tools = createTools({ cwd: process.cwd(), env, key: "", processes: createProcesses() });
  if (flags.json) {
    const specs = tools.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
    return `${JSON.stringify(specs, null, 2)}\n`;
  }
  const width = Math.max(...tools.map((tool) => tool.name.length));
  return tools.map((tool) => `${tool.name.padEnd(width)}  ${tool.description}\n`).join("");
}
