/** Writes JSON as no serializer would and every parser must take: shuffled members, blanks and escapes anywhere. */

/** Mulberry32: small, seeded, good enough to shuffle with. */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export type Random = () => number;

export function pick<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** @param blanks what may stand between tokens: events cannot have line ends there */
export function writeWild(value: unknown, random: Random, blanks: readonly string[]): string {
  const blank = (): string => (random() < 0.2 ? pick(blanks, random) : "");
  const write = (node: unknown): string => {
    if (typeof node === "string") return writeString(node, random);
    if (Array.isArray(node))
      return `[${blank()}${node.map((item) => write(item) + blank()).join(`,${blank()}`)}]`;
    if (typeof node !== "object" || node === null) return JSON.stringify(node);
    const members = shuffle(Object.entries(node), random).map(
      ([name, member]) => `${writeString(name, random)}${blank()}:${blank()}${write(member)}${blank()}`,
    );
    return `{${blank()}${members.join(`,${blank()}`)}}`;
  };
  return blank() + write(value) + blank();
}

/** Some characters as escapes. */
export function writeString(text: string, random: Random): string {
  const plain = JSON.stringify(text).slice(1, -1);
  if (random() < 0.6) return `"${plain}"`;
  const escaped = plain.replace(/\\u[0-9a-f]{4}|\\.|[^\\]/gsu, (part) =>
    part.startsWith("\\") || random() < 0.8 ? part : [...part].map(escapeCharacter).join(""),
  );
  return `"${escaped}"`;
}

export function cutAtRandom(body: Uint8Array, random: Random): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const mean = pick([1, 5, 40, 300, 5000], random);
  for (let i = 0; i < body.length; ) {
    const size = 1 + Math.floor(random() * 2 * mean);
    chunks.push(body.subarray(i, i + size));
    i += size;
  }
  return chunks;
}

/** Both halves of a surrogate pair, or the one unit. */
function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
