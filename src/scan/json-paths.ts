/** Compiles a table of JSON paths into the trie that the JSON machine walks. */

/**
 * What to report about the value at a path.
 * `value`: that a value begins and of which kind, and where a container closes; `string`: its decoded bytes;
 * `scalar`: the text of a number or literal; `text`: how many bytes of decoded UTF-8 a string holds; `texts`: the
 * same for every string below an object or array; `span`: the raw bytes of an object.
 */
export type Want = "value" | "string" | "scalar" | "text" | "texts" | "span";

/** A path in dots, `[]` for "each element": `choices[].delta.content`. The empty path is the document itself. */
export interface PathRule {
  readonly path: string;
  /** Handed back with what is found. Small integers of the caller's own. */
  readonly slot: number;
  readonly wants: readonly Want[];
}

/** A place in the document that something is wanted of, at it or below it. */
export interface PathNode {
  slot: number;
  value: boolean;
  string: boolean;
  scalar: boolean;
  text: boolean;
  texts: boolean;
  span: boolean;
  /** UTF-8 of each known member name, beside `members`. */
  readonly names: Uint8Array[];
  readonly members: PathNode[];
  /** Any element, if elements matter. */
  item: PathNode | undefined;
  /** Any member or element that is not known. */
  rest: PathNode | undefined;
}

export interface PathTrie {
  readonly root: PathNode;
  /** Longest known member name, in bytes. */
  readonly maxName: number;
  /** Whether counted text includes strings that begin with `data:` and members named `data` in skipped subtrees. */
  readonly dataUris: boolean;
}

/**
 * `everyText` counts all string values of the document under one slot, wherever they stand, but for base64 payloads:
 * data URIs and strings that are the value of a member `data`.
 */
export function compilePaths(rules: readonly PathRule[], options: { everyText?: number } = {}): PathTrie {
  const root = createNode();
  for (const rule of rules) {
    const steps = rule.path === "" ? [] : rule.path.replaceAll("[]", ".[]").split(".");
    const node = steps.reduce(descend, root);
    node.slot = rule.slot;
    for (const want of rule.wants) node[want] = true;
  }
  if (options.everyText !== undefined) countEveryText(root, options.everyText);
  return { root, maxName: longestName(root), dataUris: options.everyText === undefined };
}

/** The node for a member whose decoded name stands in `bytes[0, length)`. */
export function memberOf(node: PathNode, bytes: Uint8Array, length: number): PathNode | undefined {
  const { names } = node;
  search: for (let n = 0; n < names.length; n++) {
    const name = names[n]!;
    if (name.length !== length) continue;
    for (let i = 0; i < length; i++) if (name[i] !== bytes[i]) continue search;
    return node.members[n];
  }
  return node.rest;
}

/** A place with no rules and nothing below it. */
export function createNode(): PathNode {
  return {
    slot: -1,
    value: false,
    string: false,
    scalar: false,
    text: false,
    texts: false,
    span: false,
    names: [],
    members: [],
    item: undefined,
    rest: undefined,
  };
}

function descend(node: PathNode, step: string): PathNode {
  if (step === "[]") {
    node.item ??= createNode();
    return node.item;
  }
  const name = new TextEncoder().encode(step);
  const known = memberOf(node, name, name.length);
  if (known !== undefined) return known;
  const member = createNode();
  node.names.push(name);
  node.members.push(member);
  return member;
}

function countEveryText(node: PathNode, slot: number): void {
  for (const child of node.item === undefined ? node.members : [...node.members, node.item]) {
    countEveryText(child, slot);
  }
  if (node.slot < 0) node.slot = slot;
  node.text = true;
  node.texts = true;
  const data = createNode();
  data.slot = slot;
  data.texts = true;
  node.names.push(new TextEncoder().encode("data"));
  node.members.push(data);
  const rest = createNode();
  rest.slot = slot;
  rest.text = true;
  rest.texts = true;
  node.rest = rest;
}

function longestName(node: PathNode): number {
  const own = Math.max(0, ...node.names.map((name) => name.length));
  const below = node.item === undefined ? node.members : [...node.members, node.item];
  return Math.max(own, ...below.map(longestName));
}
