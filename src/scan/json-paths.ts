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

interface KnownMember {
  /** In UTF-8. */
  readonly name: Uint8Array;
  readonly member: PathNode;
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
  readonly members: KnownMember[];
  /** The members by the length of their names, where to look them up. */
  readonly byLength: (KnownMember[] | undefined)[];
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

/** The node for a member whose decoded name stands in the `length` bytes from `from` on. */
export function memberOf(
  node: PathNode,
  bytes: Uint8Array,
  from: number,
  length: number,
): PathNode | undefined {
  const candidates = node.byLength[length];
  if (candidates === undefined) return node.rest;
  for (let c = 0; c < candidates.length; c++) {
    const { name, member } = candidates[c]!;
    let i = 0;
    while (i < length && name[i] === bytes[from + i]) i++;
    if (i === length) return member;
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
    members: [],
    byLength: [],
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
  return memberOf(node, name, 0, name.length) ?? addMember(node, name);
}

function addMember(node: PathNode, name: Uint8Array): PathNode {
  const known = { name, member: createNode() };
  node.members.push(known);
  node.byLength[name.length] ??= [];
  node.byLength[name.length]?.push(known);
  return known.member;
}

function countEveryText(node: PathNode, slot: number): void {
  for (const child of childrenOf(node)) countEveryText(child, slot);
  if (node.slot < 0) node.slot = slot;
  node.text = true;
  node.texts = true;
  const data = addMember(node, new TextEncoder().encode("data"));
  data.slot = slot;
  data.texts = true;
  const rest = createNode();
  rest.slot = slot;
  rest.text = true;
  rest.texts = true;
  node.rest = rest;
}

function longestName(node: PathNode): number {
  const own = Math.max(0, ...node.members.map(({ name }) => name.length));
  return Math.max(own, ...childrenOf(node).map(longestName));
}

function childrenOf({ members, item }: PathNode): PathNode[] {
  const children = members.map(({ member }) => member);
  return item === undefined ? children : [...children, item];
}
