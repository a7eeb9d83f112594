/** Writes a file whole or not at all. */
import { randomUUID } from "node:crypto";
import { open, realpath, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { errorCode } from "./paths.ts";

/**
 * Writes a temporary file beside `path` and renames it. Links are followed and an old file's mode is kept; folders that
 * are missing are made. Throws if something is there that is not a regular file.
 */
export async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const old = await describe(path);
  await makeFolder(dirname(old.path));
  const temporary = join(dirname(old.path), `.${randomUUID()}.tmp`);
  const file = await open(temporary, "wx", old.mode ?? 0o666);
  try {
    try {
      await file.writeFile(data);
      // The mode that `open` takes is narrowed by the umask.
      if (old.mode !== undefined) await file.chmod(old.mode);
    } finally {
      await file.close();
    }
    await rename(temporary, old.path);
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw thrown;
  }
}

async function describe(path: string): Promise<{ path: string; mode?: number }> {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (found.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
    if (!found.isFile()) throw new Error("is not a regular file");
    return { path: real, mode: found.mode & 0o7777 };
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return { path };
    throw thrown;
  }
}
