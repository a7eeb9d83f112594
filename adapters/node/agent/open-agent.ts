/** Puts an agent together from the command line's options: tools, prompt, transport and session. */
import {
  type Agent,
  createAgent,
  createGatewayTransport,
  type Session,
  type Tool,
} from "../../../src/agent/index.ts";
import { createFetch } from "./fetch.ts";
import type { AgentConfig } from "./options.ts";
import { selectTools } from "./select-tools.ts";
import { systemPrompt } from "./system-prompt.ts";
import type { Processes } from "./tools/processes.ts";
import { createTools } from "./tools/table.ts";

/** Makes agents that share tools, transport and prompt; each has its own session. Throws `UsageError`. */
export function agentFactory(
  config: AgentConfig,
  processes: Processes,
): { readonly tools: readonly Tool[]; open(session: Session): Agent } {
  const { cwd, env, key, gatewayUrl, flags } = config;
  const tools = selectTools(createTools({ cwd, env, key, processes }), flags.tools, flags.excludeTools);
  const transport = createGatewayTransport({
    baseUrl: gatewayUrl,
    key,
    fetch: createFetch(),
    ...(flags.dialect && { dialect: flags.dialect }),
  });
  const system = systemPrompt({
    cwd,
    tools,
    instructions: flags.systemPrompt,
    appended: flags.appendSystemPrompt,
    now: new Date(),
  });
  return {
    tools,
    open: (session) =>
      createAgent({
        transport,
        session,
        tools,
        system,
        thinkingBudget: flags.thinking,
        reasoningEffort: flags.reasoningEffort,
        ...(flags.maxSteps !== undefined && { maxSteps: flags.maxSteps }),
        ...(flags.contextWindow !== undefined && { contextWindow: flags.contextWindow }),
      }),
  };
}
