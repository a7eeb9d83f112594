/** `edit`: exact replacements in a file. */
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { asArray, asObject } from "../../../../src/agent/json.ts";
import type { Tool } from "../../../../src/agent/types.ts";
import { applyEdits, type Edit, EditError } from "./edit-match.ts";
import { canonicalPath, pathError, resolvePath } from "./paths.ts";
import { replaceFile } from "./replace-file.ts";
import { flag, objectSchema, optionalText, string, textOf } from "./tool-input.ts";

const maxFileBytes = 100 * 1024 * 1024;

const pair = {
  old_string: string("Text to replace, exactly as it is in the file"),
  new_string: string("Text to put in its place"),
};

export function createEditTool(cwd: string): Tool {
  return {
    name: "edit",
    description:
      "Replace exact text in a file. Give one old_string and new_string, or several as edits; each old_string must occur exactly once and edits must not overlap. All edits match the file as it is now.",
    input_schema: objectSchema(
      {
        path: string("File to change"),
        edits: {
          type: "array",
          minItems: 1,
          items: objectSchema(pair, ["old_string", "new_string"]),
          description: "Several replacements at once",
        },
        ...pair,
        replace_all: flag("Replace every occurrence"),
      },
      ["path"],
    ),
    write_target: (input) => canonicalPath(resolvePath(cwd, textOf(input, "path"))),
    async run(input) {
      const path = textOf(input, "path");
      const edits = editsOf(input);
      const absolute = resolvePath(cwd, path);
      const original = await readWhole(absolute, path);
      if (!isUtf8(original) && edits.some((edit) => /[^\x00-\x7f]/.test(edit.new_string))) {
        throw new Error(`${path}: is not UTF-8; only ASCII text can be put into it`);
      }
      try {
        const { bytes, count } = applyEdits(original, edits, { replaceAll: input.replace_all === true });
        await replaceFile(absolute, bytes);
        return { text: `edited ${path}: ${count} replacement${count === 1 ? "" : "s"}` };
      } catch (thrown) {
        if (thrown instanceof EditError) throw new Error(`${path}: ${thrown.message}`);
        throw pathError(path, thrown);
      }
    },
  };
}

function editsOf(input: Record<string, unknown>): Edit[] {
  const old_string = optionalText(input, "old_string");
  const new_string = optionalText(input, "new_string");
  const several = asArray(input.edits).map((item) => {
    const edit = asObject(item) ?? {};
    return { old_string: textOf(edit, "old_string"), new_string: textOf(edit, "new_string") };
  });
  if (old_string === undefined && new_string === undefined && several.length > 0) return several;
  if (old_string === undefined || new_string === undefined || several.length > 0) {
    throw new Error("give either edits, or old_string and new_string");
  }
  return [{ old_string, new_string }];
}

async function readWhole(absolute: string, path: string): Promise<Buffer> {
  try {
    const found = await stat(absolute);
    if (found.isDirectory()) throw new Error("is a directory");
    if (!found.isFile()) throw new Error("is not a regular file");
    if (found.size > maxFileBytes)
      throw new Error(`has ${found.size} bytes; at most ${maxFileBytes} can be edited`);
    return await readFile(absolute);
  } catch (thrown) {
    throw pathError(path, thrown);
  }
}
