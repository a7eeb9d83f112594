/** The task of a run: words of the command line, files named with `@`, or standard input. */

import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Block } from "../../../src/agent/index.ts";
import { imageType, maxImageBytes } from "./tools/image.ts";
import { errorCode, resolvePath } from "./tools/paths.ts";
import { UsageError } from "./usage-error.ts";

const maxTextBytes = 1024 * 1024;

interface TaskSource {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
}

/**
 * `@file` puts in the file's content, `-` what comes on standard input. Standard input is read only when it is
 * named or when there are no words: a parent that leaves it open must not make the agent wait. Throws `UsageError`.
 */
export async function readTask({ words, cwd, stdin }: TaskSource): Promise<Block[]> {
  if (words.length === 0 && stdin.isTTY)
    throw new UsageError("no task: give it as an argument or on standard input");
  const given = words.length === 0 ? ["-"] : words;
  const blocks: Block[] = [];
  for (const word of given) {
    if (word === "-") blocks.push(text(await readAll(stdin)));
    else blocks.push(...(await readWord(word, cwd)));
  }
  const joined = joinText(blocks);
  if (joined.length === 0) throw new UsageError("the task is empty");
  return joined;
}

/** A word that is only `@file` must name a file; inside a sentence, an `@name` that names no file is just text. */
async function readWord(word: string, cwd: string): Promise<Block[]> {
  if (/^@\S+$/.test(word)) {
    const file = await readMention(word.slice(1), cwd);
    if (!file) throw new UsageError(`${word}: no such file`);
    return [file.block];
  }
  const mentions = [...word.matchAll(/(?<=^|\s)@(\S+)/g)].map((match) => match[1] ?? "");
  const found = await Promise.all([...new Set(mentions)].map((path) => readMention(path, cwd)));
  const files = found.filter((file) => file !== undefined);
  return [text(word), ...new Map(files.map(({ path, block }) => [path, block])).values()];
}

interface MentionedFile {
  readonly path: string;
  readonly block: Block;
}

/** The file of that name; if there is none, the one without the punctuation of the sentence after it. */
async function readMention(mention: string, cwd: string): Promise<MentionedFile | undefined> {
  for (const path of new Set([mention, mention.replace(/[.,;:!?)]+$/, "")])) {
    const block = path === "" ? undefined : await readNamed(path, cwd);
    if (block) return { path, block };
  }
  return undefined;
}

const noSuchFile = new Set(["ENOENT", "EISDIR", "ENOTDIR", "ENAMETOOLONG"]);

/** Undefined when there is no such file. */
async function readNamed(path: string, cwd: string): Promise<Block | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(resolvePath(cwd, path));
  } catch (thrown) {
    const code = errorCode(thrown);
    if (noSuchFile.has(code ?? "")) return undefined;
    throw new UsageError(`@${path}: cannot be read (${code ?? "unknown"})`);
  }
  const media_type = imageType(bytes);
  if (media_type && bytes.length <= maxImageBytes) {
    return { type: "image", source: { type: "base64", media_type, data: bytes.toString("base64") } };
  }
  if (bytes.length > maxTextBytes)
    throw new UsageError(`@${path}: has ${bytes.length} bytes; at most ${maxTextBytes}`);
  if (!isUtf8(bytes))
    throw new UsageError(`@${path}: is neither UTF-8 text nor an image of at most ${maxImageBytes} bytes`);
  return text(`<file path=${JSON.stringify(path)}>\n${bytes.toString("utf8")}\n</file>`);
}

async function readAll(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8").trim();
}

function text(content: string): Block {
  return { type: "text", text: content };
}

/** Joins texts that stand side by side, and leaves out blank ones. */
function joinText(blocks: readonly Block[]): Block[] {
  const out: Block[] = [];
  for (const block of blocks) {
    const last = out.at(-1);
    if (block.type !== "text") out.push(block);
    else if (block.text.trim() === "") continue;
    else if (last?.type === "text") out[out.length - 1] = text(`${last.text}\n${block.text}`);
    else out.push(block);
  }
  return out;
}
