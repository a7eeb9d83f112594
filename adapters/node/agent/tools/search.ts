/** The built-in search: runs in a worker thread, so that no pattern can hold the agent up. */
import { readFileSync, statSync } from "node:fs";
import { basename, relative, sep } from "node:path";
import picomatch from "picomatch";
import { messageOf } from "../../../../src/agent/errors.ts";
import type { GrepJob, GrepLine, SearchJob, SearchMessage } from "./search-job.ts";
import { walk } from "./walk.ts";

type Post = (message: SearchMessage) => void;

const maxFileBytes = 64 * 1024 * 1024;
const sniffedBytes = 8_192;
const aliveEveryFiles = 64;

export function search(job: SearchJob, post: Post): void {
  try {
    const limited = job.kind === "grep" ? grep(job, post) : find(job, post);
    post({ type: "done", limited });
  } catch (thrown) {
    post({ type: "problem", message: messageOf(thrown) });
  }
}

/** A pattern without a slash is matched against names at any depth, one with a slash against the path. */
function createGlob(root: string, pattern: string): (path: string) => boolean {
  const matches = picomatch(pattern.replace(/^\.\//, ""), { dot: true });
  if (!pattern.includes("/")) return (path) => matches(basename(path));
  return (path) => matches(relative(root, path).split(sep).join("/"));
}

function find(job: Extract<SearchJob, { kind: "find" }>, post: Post): boolean {
  const matches = createGlob(job.root, job.pattern);
  const paths: string[] = [];
  let seen = 0;
  for (const { path, isFolder } of walk(job.root)) {
    if (++seen % aliveEveryFiles === 0) post({ type: "alive" });
    if (!matches(path)) continue;
    if (paths.length === job.limit) {
      post({ type: "paths", paths });
      return true;
    }
    paths.push(isFolder ? `${path}/` : path);
  }
  post({ type: "paths", paths });
  return false;
}

function grep(job: GrepJob, post: Post): boolean {
  const pattern = compile(job);
  const wanted = job.glob === undefined ? () => true : createGlob(job.root, job.glob);
  let left = job.limit;
  let seen = 0;
  for (const path of filesOf(job.root)) {
    if (++seen % aliveEveryFiles === 0) post({ type: "alive" });
    if (path !== job.root && !wanted(path)) continue;
    const text = readText(path);
    if (text === undefined) continue;
    const { lines, matches, limited } = grepText(path, text, pattern, job.context, left);
    if (lines.length > 0) post({ type: "lines", lines });
    left -= matches;
    if (limited) return true;
  }
  return false;
}

/**
 * Unicode mode refuses needless escapes, which models write: then the pattern is taken without it. A leading `(?i)` is
 * the `i` flag as other engines spell it.
 */
function compile({ pattern, literal, ignoreCase }: GrepJob): RegExp {
  const inline = !literal && pattern.startsWith("(?i)");
  const plain = inline ? pattern.slice(4) : pattern;
  const source = literal ? plain.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : plain;
  const flags = ignoreCase || inline ? "i" : "";
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    return new RegExp(source, flags);
  }
}

function* filesOf(root: string): Generator<string> {
  if (!statSync(root).isDirectory()) {
    yield root;
    return;
  }
  for (const { path, isFolder } of walk(root)) if (!isFolder) yield path;
}

/** Undefined for what is binary, too large or unreadable. */
function readText(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > maxFileBytes) return undefined;
    const bytes = readFileSync(path);
    return bytes.subarray(0, sniffedBytes).includes(0) ? undefined : bytes.toString("utf8");
  } catch {
    return undefined;
  }
}

function grepText(path: string, text: string, pattern: RegExp, context: number, left: number) {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  const hits: number[] = [];
  for (const [index, line] of all.entries()) {
    if (!pattern.test(line)) continue;
    hits.push(index);
    // One more than may be shown, to know that there is more.
    if (hits.length > left) break;
  }
  const limited = hits.length > left;
  const shown = hits.slice(0, left);
  return { lines: withContext(path, all, shown, context), matches: shown.length, limited };
}

function withContext(
  path: string,
  all: readonly string[],
  hits: readonly number[],
  context: number,
): GrepLine[] {
  const matched = new Set(hits);
  const lines: GrepLine[] = [];
  let next = 0;
  for (const hit of hits) {
    const from = Math.max(next, hit - context);
    const to = Math.min(all.length - 1, hit + context);
    for (let index = from; index <= to; index++) {
      lines.push({ path, line: index + 1, text: all[index]!, matched: matched.has(index) });
    }
    next = Math.max(next, to + 1);
  }
  return lines;
}
