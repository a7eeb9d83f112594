/** The import rules of ARCHITECTURE.md, checked on every file. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

interface Import {
  readonly file: string;
  /** A path from the root for our own files, a package or `node:` name otherwise. */
  readonly target: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const names = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s+"([^"]+)"|\bimport\(\s*"([^"]+)"|(?:^|\n)import\s+"([^"]+)"/g,
    ),
  ];
  return names.map((match) => {
    const name = (match[1] ?? match[2] ?? match[3])!;
    return { file, target: name.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), name)) : name };
  });
}

const core = sources("src").flatMap(importsOf);
const adapters = sources("adapters").flatMap(importsOf);
const broken = (imports: readonly Import[], isAllowed: (i: Import) => boolean): string[] =>
  imports.filter((i) => !isAllowed(i)).map((i) => `${i.file} imports ${i.target}`);

/** Packages that run on Web standards alone, each with its reason in ARCHITECTURE.md. */
const CORE_PACKAGES = ["hono", "hono/route", "@noble/ed25519", "smol-toml", "@cfworker/json-schema"];

/** What each part of the core may use of the others. `ports` is src/gateway/ports.ts, types alone. */
const CORE_PARTS: Readonly<Record<string, readonly string[]>> = {
  agent: ["agent"],
  config: ["config", "keys"],
  deny: ["deny", "keys", "ports"],
  embedded: ["embedded"],
  gateway: ["gateway", "config", "keys", "limit", "scan", "deny", "ports"],
  keys: ["keys", "ports"],
  limit: ["limit"],
  scan: ["scan"],
};

const partOf = (path: string): string => (path === "src/gateway/ports.ts" ? "ports" : path.split("/")[1]!);

describe("the architecture", () => {
  it("sees the imports that it judges", () => {
    expect(core.length).toBeGreaterThan(50);
    expect(adapters.length).toBeGreaterThan(20);
  });

  it("lets the core import nothing but itself and packages on Web standards", () => {
    expect(broken(core, ({ target }) => target.startsWith("src/") || CORE_PACKAGES.includes(target))).toEqual(
      [],
    );
  });

  it("points dependencies inside the core one way", () => {
    const inside = core.filter(({ file, target }) => target.startsWith("src/") && file !== "src/index.ts");
    expect(
      broken(inside, ({ file, target }) => CORE_PARTS[partOf(file)]?.includes(partOf(target)) ?? false),
    ).toEqual([]);
  });

  it("keeps an adapter from importing another, but for what servers share", () => {
    const folderOf = (path: string): string => path.split("/")[1]!;
    const between = adapters.filter(({ target }) => target.startsWith("adapters/"));
    expect(
      broken(between, ({ file, target }) => [folderOf(file), "server"].includes(folderOf(target))),
    ).toEqual([]);
  });

  it("keeps tests and benchmarks out of what is shipped", () => {
    expect(broken([...core, ...adapters], ({ target }) => !/^(test|bench|demo)\//.test(target))).toEqual([]);
  });
});
