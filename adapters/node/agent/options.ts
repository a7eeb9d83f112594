/** The options that `run` and `serve` share, and the configuration that they and the environment make. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { DialectName } from "../../../src/agent/index.ts";
import { UsageError } from "./usage-error.ts";

export interface SharedFlags {
  model?: string;
  gatewayUrl?: string;
  key?: string;
  dialect?: DialectName;
  maxSteps?: number;
  cwd?: string;
  systemPrompt?: string;
  appendSystemPrompt?: string;
  tools?: string[];
  excludeTools?: string[];
  thinking?: number;
  reasoningEffort?: string;
  contextWindow?: number;
}

/** Everything that a run needs to know. */
export interface AgentConfig {
  readonly cwd: string;
  /** Given on the command line: it overrides a session's own model. */
  readonly givenModel: string | undefined;
  readonly defaultModel: string;
  readonly gatewayUrl: string;
  readonly key: string;
  readonly flags: SharedFlags;
  readonly env: NodeJS.ProcessEnv;
}

const defaultGatewayUrl = "http://ai.internal";
const defaultModel = "claude-sonnet-5-5";
/** The least thinking budget that the Messages API accepts (platform.claude.com/docs, "Extended thinking"). */
export const minThinkingTokens = 1024;

export function addSharedOptions(command: Command): Command {
  return command
    .option("--model <id>", "model, such as claude-… or groq:llama-3.3-70b (AI_AGENT_MODEL)")
    .option("--gateway-url <url>", `the gateway (AI_GATEWAY_URL, ${defaultGatewayUrl})`)
    .option("--key <key>", "virtual key; better in AI_AGENT_KEY, where other users cannot see it")
    .addOption(new Option("--dialect <wire>", "speak this wire").choices(["openai", "anthropic"]))
    .option("--max-steps <n>", "model calls in one run (50)", atLeast(1))
    .option("--cwd <folder>", "working directory")
    .option("--system-prompt <text>", "instructions in place of the built-in ones")
    .option("--append-system-prompt <text>", "instructions after the others")
    .option("--tools <names>", "only these tools", list)
    .option("--exclude-tools <names>", "all tools but these", list)
    .option("--thinking <budget>", "tokens for thinking", atLeast(minThinkingTokens))
    .option("--reasoning-effort <level>", "low, medium, high, or what else the model knows")
    .option("--context-window <tokens>", "the model's window (200000)", atLeast(1));
}

/** Throws `UsageError` for what cannot work. */
export function readConfig(flags: SharedFlags, env: NodeJS.ProcessEnv): AgentConfig {
  const key = flags.key || env.AI_AGENT_KEY || "";
  if (key === "") throw new UsageError("no key: set AI_AGENT_KEY (or --key) to a virtual key of the gateway");
  if (/[^\x21-\x7e]/.test(key))
    throw new UsageError("the key holds characters that no key has; is it cut or quoted?");
  return {
    cwd: readFolder(flags.cwd),
    givenModel: flags.model || undefined,
    defaultModel: env.AI_AGENT_MODEL || defaultModel,
    gatewayUrl: readUrl(flags.gatewayUrl || env.AI_GATEWAY_URL || defaultGatewayUrl),
    key,
    flags,
    env,
  };
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`gateway URL ${JSON.stringify(text)}: want http://HOST or https://HOST`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new UsageError("gateway URL: no user, query or fragment; the key goes into AI_AGENT_KEY");
  }
  return text;
}

function readFolder(given: string | undefined): string {
  const cwd = resolve(given ?? ".");
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`--cwd ${given}: no such folder`);
  return cwd;
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`want a whole number of at least ${least}`);
    }
    return value;
  };
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
