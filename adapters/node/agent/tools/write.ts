/** `write`: a whole file. */
import type { Tool } from "../../../../src/agent/types.ts";
import { canonicalPath, pathError, resolvePath } from "./paths.ts";
import { replaceFile } from "./replace-file.ts";
import { objectSchema, string, textOf } from "./tool-input.ts";

export function createWriteTool(cwd: string): Tool {
  return {
    name: "write",
    description:
      "Write a file, replacing what is there and making missing folders. To change a part of a file use edit.",
    input_schema: objectSchema({ path: string("File to write"), content: string("The whole content") }, [
      "path",
      "content",
    ]),
    write_target: (input) => canonicalPath(resolvePath(cwd, textOf(input, "path"))),
    async run(input) {
      const path = textOf(input, "path");
      const content = textOf(input, "content");
      try {
        await replaceFile(resolvePath(cwd, path), content);
      } catch (thrown) {
        throw pathError(path, thrown);
      }
      return { text: `wrote ${Buffer.byteLength(content)} bytes to ${path}` };
    },
  };
}
