/** `read`: a file as numbered lines, or as an image. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Tool, ToolOutput } from "../../../../src/agent/types.ts";
import { eachLine, type Line } from "../lines.ts";
import { imageType, maxImageBytes } from "./image.ts";
import { decodePrefix, maxOutputBytes, maxOutputLines } from "./limits.ts";
import { pathError, resolvePath } from "./paths.ts";
import { numberOf, objectSchema, positive, string, textOf } from "./tool-input.ts";

const maxLineBytes = 4_000;
const sniffedBytes = 8_192;

export function createReadTool(cwd: string): Tool {
  return {
    name: "read",
    description:
      "Read a file. Text comes as numbered lines; use offset and limit for a long file. Images (png, jpeg, gif, webp) come back as images.",
    input_schema: objectSchema(
      {
        path: string("File to read"),
        offset: positive("First line to show, from 1"),
        limit: positive(`Lines to show, at most ${maxOutputLines}`),
      },
      ["path"],
    ),
    async run(input) {
      const path = textOf(input, "path");
      const offset = numberOf(input, "offset", 1);
      const limit = Math.min(maxOutputLines, numberOf(input, "limit", maxOutputLines));
      const file = await openFile(cwd, path);
      try {
        return await readFile(file, path, offset, limit);
      } finally {
        await file.close();
      }
    },
  };
}

async function openFile(cwd: string, path: string): Promise<FileHandle> {
  try {
    // Not blocking, so that a named pipe without a writer cannot hang the agent.
    return await open(resolvePath(cwd, path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw pathError(path, thrown);
  }
}

async function readFile(file: FileHandle, path: string, offset: number, limit: number): Promise<ToolOutput> {
  const stat = await file.stat();
  if (stat.isDirectory()) throw new Error(`${path}: is a directory; use ls`);
  if (!stat.isFile()) throw new Error(`${path}: is not a regular file`);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sniffedBytes), 0, sniffedBytes, 0);
  const head = buffer.subarray(0, bytesRead);
  const media_type = imageType(head);
  if (media_type) return readImage(file, path, stat.size, media_type);
  if (head.includes(0)) throw new Error(`${path}: is a binary file (${stat.size} bytes)`);
  return { text: await readLines(file, path, offset, limit) };
}

async function readImage(
  file: FileHandle,
  path: string,
  size: number,
  media_type: string,
): Promise<ToolOutput> {
  if (size > maxImageBytes)
    throw new Error(`${path}: the image has ${size} bytes; at most ${maxImageBytes} can be shown`);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  const data = buffer.subarray(0, bytesRead).toString("base64");
  return {
    text: `${path}: ${media_type}, ${bytesRead} bytes`,
    images: [{ type: "image", source: { type: "base64", media_type, data } }],
  };
}

async function readLines(file: FileHandle, path: string, offset: number, limit: number): Promise<string> {
  const shown: string[] = [];
  let bytes = 0;
  let total = 0;
  let more = false;
  const chunks = file.createReadStream({ start: 0, autoClose: false });
  for await (const line of eachLine(chunks, maxLineBytes)) {
    total = line.number;
    if (line.number < offset) continue;
    const text = formatLine(line);
    bytes += Buffer.byteLength(text) + 1;
    more = shown.length === limit || bytes > maxOutputBytes;
    if (more) break;
    shown.push(text);
  }
  if (shown.length === 0) {
    if (total === 0) return "(empty file)";
    throw new Error(`${path}: offset ${offset} is past the end; the file has ${total} lines`);
  }
  const last = offset + shown.length - 1;
  if (more) shown.push(`[showing lines ${offset}-${last}; use offset=${last + 1} to continue]`);
  return shown.join("\n");
}

/** `TextDecoder` leaves out a byte order mark, and puts U+FFFD for what is not UTF-8. */
function formatLine({ number, head, bytes }: Line): string {
  const isCut = bytes > maxLineBytes;
  const shown = isCut
    ? `${decodePrefix(head, maxLineBytes)} [line cut: ${bytes} bytes]`
    : new TextDecoder().decode(head).replace(/\r$/, "");
  return `${String(number).padStart(6)}\t${shown}`;
}
