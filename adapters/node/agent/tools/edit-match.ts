/** Finds and applies exact replacements, as a pure function over the bytes of a file. */

export interface Edit {
  readonly old_string: string;
  readonly new_string: string;
}

interface EditOptions {
  /** Replace every match instead of demanding exactly one. */
  readonly replaceAll: boolean;
}

interface Replacement {
  /** Byte offsets in the original. */
  readonly start: number;
  readonly end: number;
  readonly bytes: string;
  /** Which edit it comes from, from 1. */
  readonly edit: number;
}

/** Edits that cannot be made; the message says which and why. */
export class EditError extends Error {}

/**
 * Applies all edits to the original, none to another's result. Bytes that no edit names stay as they are, so that a file
 * in any encoding survives. The file's line ends are kept: `\n` in an edit also matches `\r\n`, and is written as the
 * line end that the file has. Throws `EditError`.
 */
export function applyEdits(
  original: Buffer,
  edits: readonly Edit[],
  options: EditOptions,
): { bytes: Buffer; count: number } {
  // latin1 makes each byte one character, so that strings search bytes in any encoding. In UTF-8, whose characters never
  // begin inside one another, that finds the same matches.
  const file = createFile(original.toString("latin1"));
  const replacements = edits.flatMap((edit, index) => findEdit(file, edit, index + 1, options));
  replacements.sort((a, b) => a.start - b.start);
  for (const [index, next] of replacements.entries()) {
    const before = replacements[index - 1];
    if (before && before.end > next.start) {
      throw new EditError(`edits ${before.edit} and ${next.edit} overlap: make them one edit`);
    }
  }
  return { bytes: splice(original, replacements), count: replacements.length };
}

interface SearchedFile {
  /** The bytes with `\r\n` as `\n`. */
  readonly text: string;
  readonly lineEnd: "\n" | "\r\n";
  /** From an offset in `text` to one in the original. */
  toOriginal(offset: number): number;
}

function createFile(bytes: string): SearchedFile {
  if (!bytes.includes("\r\n")) return { text: bytes, lineEnd: "\n", toOriginal: (offset) => offset };
  const text = bytes.replaceAll("\r\n", "\n");
  /** Offsets in `text` of the line feeds that lost their carriage return. */
  const shortened: number[] = [];
  for (let at = bytes.indexOf("\r\n"); at >= 0; at = bytes.indexOf("\r\n", at + 2))
    shortened.push(at - shortened.length);
  const lineFeeds = text.split("\n").length - 1;
  return {
    text,
    lineEnd: shortened.length * 2 >= lineFeeds ? "\r\n" : "\n",
    toOriginal: (offset) => offset + countBelow(shortened, offset),
  };
}

/** How many of the sorted numbers are smaller. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findEdit(
  file: SearchedFile,
  edit: Edit,
  number: number,
  { replaceAll }: EditOptions,
): Replacement[] {
  const wanted = toSearch(edit.old_string);
  const given = toSearch(edit.new_string);
  if (wanted === "") throw new EditError(`edit ${number}: old_string is empty; use write to make a file`);
  if (wanted === given)
    throw new EditError(`edit ${number}: old_string and new_string are the same: no change`);
  const starts = matches(file.text, wanted, replaceAll ? wanted.length : 1);
  if (starts.length === 0) {
    throw new EditError(
      `edit ${number}: old_string not found; read the file and copy the text exactly, without line numbers`,
    );
  }
  if (starts.length > 1 && !replaceAll) {
    throw new EditError(
      `edit ${number}: old_string is not unique: ${starts.length} matches; add lines around it, or set replace_all`,
    );
  }
  const bytes = given.replaceAll("\n", file.lineEnd);
  return starts.map((start) => ({
    start: file.toOriginal(start),
    end: file.toOriginal(start + wanted.length),
    bytes,
    edit: number,
  }));
}

/** Without a leading byte order mark: the file keeps its own, whether or not the model copied it. */
function toSearch(text: string): string {
  const plain = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  return Buffer.from(plain).toString("latin1");
}

function matches(text: string, wanted: string, step: number): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + step)) starts.push(at);
  return starts;
}

function splice(original: Buffer, replacements: readonly Replacement[]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const { start, end, bytes } of replacements) {
    parts.push(original.subarray(from, start), Buffer.from(bytes, "latin1"));
    from = end;
  }
  parts.push(original.subarray(from));
  return Buffer.concat(parts);
}
