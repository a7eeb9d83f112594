/** What the model is told before the task: its role, its surroundings, and the project's own instructions. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Tool } from "../../../src/agent/index.ts";

interface PromptParts {
  readonly cwd: string;
  readonly tools: readonly Tool[];
  /** In place of the built-in instructions. */
  readonly instructions?: string | undefined;
  readonly appended?: string | undefined;
  readonly now: Date;
}

const builtIn = `You are a coding agent. You work in the user's repository with the tools below and nobody watches: never ask, decide and go on.
Look before you change: read a file before you edit it. Make the smallest change that does the task, in the style of the code around it.
Check your work (build, tests) where the project gives you a way to. When you are done, say briefly what you did and what you could not do.`;

const instructionFiles = ["AGENTS.md", "CLAUDE.md"];
const maxInstructionChars = 64 * 1024;

export function systemPrompt({ cwd, tools, instructions, appended, now }: PromptParts): string {
  const surroundings = [
    `Working directory: ${cwd}`,
    `Date: ${now.toISOString().slice(0, 10)}`,
    `Tools: ${tools.map((tool) => tool.name).join(", ") || "none"}`,
  ].join("\n");
  return [
    instructions ?? builtIn,
    surroundings,
    ...projectInstructions(cwd),
    ...(appended ? [appended] : []),
  ].join("\n\n");
}

/** From the root down, so that the nearest folder has the last word. */
function projectInstructions(cwd: string): string[] {
  return foldersDownTo(cwd).flatMap((folder) => {
    for (const name of instructionFiles) {
      const path = join(folder, name);
      const text = readText(path);
      if (text !== undefined) return [`Instructions from ${path}:\n\n${text}`];
    }
    return [];
  });
}

function foldersDownTo(cwd: string): string[] {
  const parent = dirname(cwd);
  return parent === cwd ? [cwd] : [...foldersDownTo(parent), cwd];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").slice(0, maxInstructionChars);
  } catch {
    return undefined;
  }
}
