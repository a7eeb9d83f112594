/** `beyond-ai deny` on Workers KV, through wrangler: it has the account, the binding's id and the local storage. */

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  formatDenyKey,
  formatDenyValue,
  KEY_PREFIX,
  parseDenyKey,
  parseDenyValue,
} from "../../../src/deny/entry.ts";
import { CliError } from "../cli/conventions.ts";
import type { DenyTarget, ListedDeny } from "./cli-target.ts";

/** Keys that one bulk read takes (Cloudflare's API). */
const BULK_KEYS = 100;

export interface WorkersTargetOptions {
  /** Options for wrangler that choose the namespace: `--binding X`, `--local`, … */
  readonly args: readonly string[];
  /** Runs wrangler and gives its stdout. */
  readonly wrangler?: (args: readonly string[]) => Promise<string>;
}

export function workersTarget({ args, wrangler = runWrangler }: WorkersTargetOptions): DenyTarget {
  const readValues = async (keys: readonly string[]): Promise<Record<string, { value?: string } | null>> => {
    const directory = await mkdtemp(join(tmpdir(), "beyond-ai-deny-"));
    try {
      const file = join(directory, "keys.json");
      await writeFile(file, JSON.stringify(keys));
      return parseOutput(await wrangler(["kv", "bulk", "get", file, ...args]), "{");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };
  return {
    async list() {
      const output = await wrangler(["kv", "key", "list", "--prefix", KEY_PREFIX, ...args]);
      const keys = parseOutput<{ name: string }[]>(output, "[").map(({ name }) => name);
      const found: ListedDeny[] = [];
      for (let at = 0; at < keys.length; at += BULK_KEYS) {
        const values = await readValues(keys.slice(at, at + BULK_KEYS));
        for (const [key, held] of Object.entries(values)) {
          const id = parseDenyKey(key);
          if (id !== undefined && typeof held?.value === "string") {
            found.push({ id, deny: parseDenyValue(held.value) });
          }
        }
      }
      return found;
    },
    async add(id, deny) {
      await wrangler(["kv", "key", "put", formatDenyKey(id), formatDenyValue(deny), ...args]);
    },
    async remove(id) {
      await wrangler(["kv", "key", "delete", formatDenyKey(id), ...args]);
      return true;
    },
  };
}

/** wrangler may put a banner before its JSON. */
function parseOutput<T>(output: string, opening: "[" | "{"): T {
  const start = output.startsWith(opening) ? 0 : output.indexOf(`\n${opening}`);
  try {
    return JSON.parse(output.slice(start)) as T; // wrangler's own documented shape
  } catch {
    throw new CliError("wrangler's output could not be read");
  }
}

/** The project's own wrangler: `npx` must find it, not install one. */
function runWrangler(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("npx", ["--no-install", "wrangler", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.once("error", () => reject(new CliError("npx was not found: install npm, and wrangler")));
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new CliError(`wrangler failed (is it installed here?):\n${(errors || output).trim()}`));
    });
  });
}
