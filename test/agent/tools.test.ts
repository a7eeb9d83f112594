import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProcesses, type Processes } from "../../adapters/node/agent/tools/processes.ts";
import { createTools } from "../../adapters/node/agent/tools/table.ts";
import type { Tool, ToolOutput } from "../../src/agent/index.ts";
import { isAlive } from "../support/alive.ts";
import { until } from "../support/until.ts";

let cwd: string;
let processes: Processes;
const key = "bai_v1.1.topsecret.sig";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "agent-tools-"));
  processes = createProcesses();
});
afterEach(() => {
  processes.killAll();
  rmSync(cwd, { recursive: true, force: true });
});

function put(path: string, content: string | Buffer): string {
  const file = join(cwd, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function tools(env: NodeJS.ProcessEnv = process.env): Map<string, Tool> {
  return new Map(createTools({ cwd, env, key, processes }).map((tool) => [tool.name, tool]));
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  readonly progress?: (snapshot: string) => void;
}

function call(name: string, input: Record<string, unknown>, options: CallOptions = {}): Promise<ToolOutput> {
  const tool = tools(options.env).get(name);
  if (!tool) throw new Error(`no tool ${name}`);
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  return tool.run(input, { id: "c", signal, progress });
}

async function text(name: string, input: Record<string, unknown>, options?: CallOptions): Promise<string> {
  return (await call(name, input, options)).text;
}

describe("read", () => {
  it("numbers lines and says how to go on", async () => {
    put("a.txt", Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join(""));
    expect(await text("read", { path: "a.txt", offset: 9 })).toBe("     9\tline 9\n    10\tline 10");
    expect(await text("read", { path: "a.txt", offset: 2, limit: 2 })).toBe(
      "     2\tline 2\n     3\tline 3\n[showing lines 2-3; use offset=4 to continue]",
    );
  });

  it("ends at 2,000 lines or 50 KiB, whichever is first", async () => {
    put("lines", "x\n".repeat(5_000));
    put("bytes", `${"y".repeat(1_000)}\n`.repeat(5_000));
    expect((await text("read", { path: "lines" })).split("\n").at(-1)).toBe(
      "[showing lines 1-2000; use offset=2001 to continue]",
    );
    const bytes = await text("read", { path: "bytes" });
    expect(bytes).toMatch(/\[showing lines 1-50; use offset=51 to continue\]$/);
  });

  it("cuts a long line at 4,000 bytes, between two characters, whatever the file's size", async () => {
    put("long", `${"ä".repeat(5_000_000)}\nend\n`);
    const [first, second] = (await text("read", { path: "long" })).split("\n");
    expect(first).toMatch(/^ {5}1\tä{2000} \[line cut: 10000000 bytes\]$/);
    expect(second).toBe("     2\tend");
  });

  it("shows CRLF lines and a byte order mark as text, and bytes that are no UTF-8 as U+FFFD", async () => {
    put("crlf", "\uFEFFa\r\nb\r\n");
    put("latin1", Buffer.from("caf\xe9\n", "latin1"));
    expect(await text("read", { path: "crlf" })).toBe("     1\ta\n     2\tb");
    expect(await text("read", { path: "latin1" })).toBe("     1\tcaf\uFFFD");
  });

  it("gives images by their first bytes, whatever their name", async () => {
    const png = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(20)]);
    put("pic.txt", png);
    const { images } = await call("read", { path: "pic.txt" });
    expect(images).toEqual([
      { type: "image", source: { type: "base64", media_type: "image/png", data: png.toString("base64") } },
    ]);
    put("big.png", Buffer.concat([png, Buffer.alloc(6_000_000)]));
    await expect(call("read", { path: "big.png" })).rejects.toThrow(/at most 5242880/);
  });

  it.each([
    ["a missing file", "none", {}, /none: no such file/],
    ["a folder", "dir", {}, /is a directory; use ls/],
    ["a binary file", "bin", {}, /binary file \(3 bytes\)/],
    ["an offset past the end", "one", { offset: 5 }, /past the end; the file has 1 lines/],
    ["a named pipe", "pipe", {}, /not a regular file/],
  ])("refuses %s", async (_, path, more, message) => {
    mkdirSync(join(cwd, "dir"));
    put("bin", Buffer.from([1, 0, 2]));
    put("one", "1\n");
    await call("bash", { command: "mkfifo pipe" });
    await expect(call("read", { path, ...more })).rejects.toThrow(message);
  });

  it("says when a file is empty", async () => {
    put("empty", "");
    expect(await text("read", { path: "empty" })).toBe("(empty file)");
  });
});

describe("write", () => {
  it("makes folders, counts bytes, and leaves no temporary file", async () => {
    expect(await text("write", { path: "a/b/c.txt", content: "ä\n" })).toBe("wrote 3 bytes to a/b/c.txt");
    expect(readFileSync(join(cwd, "a/b/c.txt"), "utf8")).toBe("ä\n");
    expect(readdirSync(join(cwd, "a/b"))).toEqual(["c.txt"]);
  });

  it("keeps the mode of an old file, and writes through a link", async () => {
    chmodSync(put("run.sh", "old"), 0o755);
    symlinkSync("run.sh", join(cwd, "link"));
    await call("write", { path: "link", content: "new" });
    expect(readFileSync(join(cwd, "run.sh"), "utf8")).toBe("new");
    expect(statSync(join(cwd, "run.sh")).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(cwd, "link")).isSymbolicLink()).toBe(true);
  });

  it("refuses what is no regular file, and leaves nothing behind", async () => {
    mkdirSync(join(cwd, "dir"));
    await expect(call("write", { path: "dir", content: "" })).rejects.toThrow(/is a directory/);
    await expect(call("write", { path: "/dev/null", content: "" })).rejects.toThrow(/not a regular file/);
    await expect(call("write", { path: "/proc/none/such/file", content: "" })).rejects.toThrow(
      /no such file/,
    );
    expect(readdirSync(cwd)).toEqual(["dir"]);
  });

  it("has one target for a file, however it is spelled", () => {
    mkdirSync(join(cwd, "real"));
    symlinkSync("real", join(cwd, "alias"));
    const target = (path: string) => tools().get("write")!.write_target!({ path, content: "" });
    expect(
      new Set(
        ["real/new.txt", "./real/../real/new.txt", "alias/new.txt", join(cwd, "real/new.txt")].map(target),
      ).size,
    ).toBe(1);
    expect(target("real/other.txt")).not.toBe(target("real/new.txt"));
  });
});

describe("edit", () => {
  async function edited(content: string | Buffer, input: Record<string, unknown>): Promise<Buffer> {
    const file = put("f", content);
    await call("edit", { path: "f", ...input });
    return readFileSync(file);
  }

  it("keeps CRLF line ends: those of the edit and those around it", async () => {
    const after = await edited("a\r\nb\r\nc\r\n", { old_string: "a\nb\n", new_string: "x\ny\nz\n" });
    expect(after.toString()).toBe("x\r\ny\r\nz\r\nc\r\n");
  });

  it("keeps mixed line ends outside the edit", async () => {
    expect((await edited("a\nb\r\nc\nd\n", { old_string: "c", new_string: "C" })).toString()).toBe(
      "a\nb\r\nC\nd\n",
    );
  });

  it("keeps a byte order mark, also when the edit is at the start or copies it", async () => {
    expect((await edited("\uFEFFa\n", { old_string: "a", new_string: "b" })).toString()).toBe("\uFEFFb\n");
    expect((await edited("\uFEFFa\n", { old_string: "\uFEFFa", new_string: "b" })).toString()).toBe(
      "\uFEFFb\n",
    );
  });

  it("changes ten megabytes in one place and nothing else", async () => {
    const line = `${"0123456789".repeat(10)}\r\n`;
    const before = `${line.repeat(50_000)}needle\r\n${line.repeat(50_000)}`;
    const after = await edited(before, { old_string: "needle\n", new_string: "pin\n" });
    expect(after.equals(Buffer.from(before.replace("needle", "pin")))).toBe(true);
  });

  it("keeps bytes that are no UTF-8, and puts none but ASCII beside them", async () => {
    const latin1 = Buffer.from("caf\xe9 = 1\n", "latin1");
    expect(await edited(latin1, { old_string: "= 1", new_string: "= 2" })).toEqual(
      Buffer.from("caf\xe9 = 2\n", "latin1"),
    );
    await expect(edited(latin1, { old_string: "= 1", new_string: "é" })).rejects.toThrow(/not UTF-8/);
    expect(readFileSync(join(cwd, "f"))).toEqual(latin1);
  });

  it("applies several edits to the original, in any order", async () => {
    const edits = [
      { old_string: "c", new_string: "a" },
      { old_string: "a", new_string: "c" },
    ];
    expect((await edited("a b c", { edits })).toString()).toBe("c b a");
  });

  it("replaces every occurrence when told to", async () => {
    expect((await edited("aXaXa", { old_string: "a", new_string: "bb", replace_all: true })).toString()).toBe(
      "bbXbbXbb",
    );
  });

  it.each([
    ["text that is not there", { old_string: "zzz", new_string: "" }, /edit 1: old_string not found/],
    ["text that is not unique", { old_string: "a", new_string: "b" }, /not unique: 3 matches/],
    ["matches that overlap themselves", { old_string: "xx", new_string: "y" }, /not unique: 2 matches/],
    ["no change", { old_string: "b", new_string: "b" }, /no change/],
    ["an empty old_string", { old_string: "", new_string: "b" }, /old_string is empty/],
    [
      "edits that overlap",
      {
        edits: [
          { old_string: "a b", new_string: "1" },
          { old_string: "b a", new_string: "2" },
        ],
      },
      /edits 1 and 2 overlap/,
    ],
    [
      "both forms at once",
      { old_string: "b", new_string: "c", edits: [{ old_string: "b", new_string: "c" }] },
      /either edits, or/,
    ],
    ["half a pair", { old_string: "b" }, /either edits, or/],
    ["nothing", {}, /either edits, or/],
  ])("refuses %s and leaves the file as it was", async (_, input, message) => {
    await expect(edited("a b a xxx a", input)).rejects.toThrow(message);
    expect(readFileSync(join(cwd, "f"), "utf8")).toBe("a b a xxx a");
  });
});

describe("ls", () => {
  it("lists folders first, hides dot files unless told, and counts what it leaves out", async () => {
    for (const path of ["z/1", "b.txt", "a.txt", ".hidden"]) put(path, "");
    symlinkSync("z", join(cwd, "linked"));
    symlinkSync("nowhere", join(cwd, "broken"));
    expect(await text("ls", {})).toBe("linked/\nz/\na.txt\nb.txt\nbroken");
    expect(await text("ls", { all: true })).toContain(".hidden");
    expect(await text("ls", { limit: 1 })).toBe(
      "linked/\n[showing 1 of 5 entries; use limit=N or a narrower path]",
    );
    await expect(call("ls", { path: "b.txt" })).rejects.toThrow(/b.txt/);
  });
});

describe("grep and find", () => {
  beforeEach(() => {
    put(".gitignore", "ignored/\n*.log\n!keep.log\n");
    put("src/.gitignore", "*.gen.ts\n");
    for (const path of [
      "src/a.ts",
      "src/b.gen.ts",
      "ignored/c.ts",
      "x.log",
      "keep.log",
      ".github/d.yml",
      ".git/config",
    ]) {
      put(path, `first\nneedle in ${path}\nlast\n`);
    }
    put("binary", Buffer.from("needle\0"));
  });

  it("grep prints path:line: text and respects .gitignore at every depth", async () => {
    expect(await text("grep", { pattern: "need.e" })).toBe(
      [
        ".github/d.yml:2: needle in .github/d.yml",
        "keep.log:2: needle in keep.log",
        "src/a.ts:2: needle in src/a.ts",
      ].join("\n"),
    );
  });

  it("grep takes a glob, context, case, plain text and a limit", async () => {
    expect(await text("grep", { pattern: "NEEDLE", ignore_case: true, glob: "*.ts", context: 1 })).toBe(
      "src/a.ts-1- first\nsrc/a.ts:2: needle in src/a.ts\nsrc/a.ts-3- last",
    );
    put("plain.txt", "a.b\naxb\n(x\n");
    expect(await text("grep", { pattern: "a.b", literal: true, path: "plain.txt" })).toBe("plain.txt:1: a.b");
    expect(await text("grep", { pattern: "(?i)AXB", path: "plain.txt" })).toBe("plain.txt:2: axb");
    expect(await text("grep", { pattern: "needle", limit: 1 })).toMatch(
      /^\.github.*\n\[showing the first 1 matches/,
    );
    expect(await text("grep", { pattern: "nothing at all" })).toBe("no matches");
  });

  it("grep searches an ignored folder that is asked for by name, also below a repository's root", async () => {
    mkdirSync(join(cwd, "src/.git"));
    expect(await text("grep", { pattern: "needle", path: "ignored" })).toBe(
      "ignored/c.ts:2: needle in ignored/c.ts",
    );
  });

  it("leave out names in the case that .gitignore gives them in, as git does on Linux", async () => {
    put(".gitignore", "bin/\nlib\nTODO\n");
    for (const path of ["Bin/a.ts", "bin/b.ts", "Lib/site.py", "todo", "TODO"]) put(path, "NEEDLE\n");
    const found = await text("grep", { pattern: "NEEDLE" });
    expect(found.split("\n").sort()).toEqual([
      "Bin/a.ts:1: NEEDLE",
      "Lib/site.py:1: NEEDLE",
      "todo:1: NEEDLE",
    ]);
    expect(await text("find", { pattern: "Bin" })).toBe("Bin/");
    expect(await text("find", { pattern: "TODO" })).toBe("no files found");
  });

  it("grep puts -- where lines of one file are left out, and nowhere else", async () => {
    const lines = ["1", "2", "hit", "4", "5", "6", "hit", "8"];
    for (const path of ["one.txt", "two.txt"]) put(path, `${lines.join("\n")}\n`);
    const inFile = (path: string) =>
      `${path}-2- 2\n${path}:3: hit\n${path}-4- 4\n--\n${path}-6- 6\n${path}:7: hit\n${path}-8- 8`;
    // A glob takes the built-in search, also where ripgrep is installed.
    expect(await text("grep", { pattern: "hit", glob: "*.txt", context: 1 })).toBe(
      `${inFile("one.txt")}\n${inFile("two.txt")}`,
    );
    expect(await text("grep", { pattern: "hit", glob: "one.*" })).toBe("one.txt:3: hit\none.txt:7: hit");
  });

  it("grep explains a pattern that is none", async () => {
    await expect(call("grep", { pattern: "(x" })).rejects.toThrow(/invalid pattern "\(x".*set literal/);
    await expect(call("grep", { pattern: "x", path: "none" })).rejects.toThrow(/none: no such file/);
  });

  it("grep gives a catastrophic pattern up while the agent goes on", async () => {
    put("evil.txt", `${"a".repeat(40)}!\n`);
    let ticks = 0;
    const ticker = setInterval(() => ticks++, 20);
    await expect(call("grep", { pattern: "^(a+)+$", path: "evil.txt" })).rejects.toThrow(/takes too long/);
    clearInterval(ticker);
    expect(ticks).toBeGreaterThan(10);
  });

  it("grep takes more matches from one file than a call takes arguments", async () => {
    put("many.txt", "hay\n".repeat(300_000));
    // A glob takes the built-in search, also where ripgrep is installed.
    const input = { pattern: "hay", glob: "*.txt", path: "many.txt", limit: 1_000_000 };
    expect(await text("grep", input)).toMatch(/^many\.txt:1: hay\n.*\[output cut; /s);
  });

  it("grep stops when it is aborted", async () => {
    put("evil.txt", `${"a".repeat(40)}!\n`);
    const abort = new AbortController();
    const run = call("grep", { pattern: "^(a+)+$", path: "evil.txt" }, { signal: abort.signal });
    abort.abort();
    await expect(run).rejects.toThrow(/aborted/);
  });

  it("find matches names at any depth, paths with a slash, and respects .gitignore", async () => {
    expect(await text("find", { pattern: "*.ts" })).toBe("src/a.ts");
    expect(await text("find", { pattern: "**/*.yml" })).toBe(".github/d.yml");
    expect(await text("find", { pattern: "src" })).toBe("src/");
    expect(await text("find", { pattern: "*", limit: 2 })).toMatch(/\[showing the first 2; /);
    expect(await text("find", { pattern: "*.nope" })).toBe("no files found");
  });

  it("find gives a catastrophic glob up", async () => {
    put("a".repeat(200), "");
    await expect(call("find", { pattern: `${"*a".repeat(12)}b` })).rejects.toThrow(/takes too long/);
  });

  it("grep reads ripgrep's events when it is installed, and stops it at the limit", async () => {
    const event = (type: string, line_number: number, line: string) =>
      JSON.stringify({
        type,
        data: { path: { text: join(cwd, "src/a.ts") }, lines: { text: `${line}\n` }, line_number },
      });
    const events = [
      event("context", 1, "first"),
      event("match", 2, "needle"),
      event("match", 9, "needle"),
    ].join("\n");
    put("bin/rg", `#!/bin/sh\nprintf '%s\\n' "$@" > ${cwd}/args\ncat <<'E'\n${events}\nE\nexec sleep 1000\n`);
    chmodSync(join(cwd, "bin/rg"), 0o755);
    const env = { ...process.env, PATH: `${join(cwd, "bin")}:${process.env.PATH}` };
    expect(await text("grep", { pattern: "-need", context: 1, limit: 1 }, { env })).toBe(
      "src/a.ts-1- first\nsrc/a.ts:2: needle\n[showing the first 1 matches; use limit=N or a narrower pattern]",
    );
    expect(readFileSync(join(cwd, "args"), "utf8")).toContain("--regexp=-need\n");
  });
});

describe("bash", () => {
  it("gives both streams in the order they were written, in the folder that was named", async () => {
    mkdirSync(join(cwd, "sub"));
    const command = "echo 1; echo 2 >&2; echo 3; pwd";
    expect(await text("bash", { command, cwd: "sub" })).toBe(`1\n2\n3\n${join(cwd, "sub")}`);
    await expect(call("bash", { command: "true", cwd: "none" })).rejects.toThrow(/none: no such folder/);
  });

  it("makes a non-zero exit an error that has the output", async () => {
    await expect(call("bash", { command: "echo oops; exit 3" })).rejects.toThrow(
      /^oops\n\nCommand exited with code 3$/,
    );
    expect(await text("bash", { command: "true" })).toBe("(no output)");
  });

  it("has no input, and no key in its environment, under whatever name", async () => {
    const env = {
      ...process.env,
      AI_AGENT_KEY: key,
      OPENAI_API_KEY: key,
      WRAPPED: `Bearer ${key}`,
      KEPT: "yes",
    };
    const output = await text("bash", { command: "cat; env" }, { env });
    expect(output).toContain("KEPT=yes");
    expect(output).not.toMatch(/AI_AGENT_KEY|OPENAI_API_KEY|WRAPPED|topsecret/);
  });

  it("takes the key out of what a command finds elsewhere", async () => {
    expect(await text("bash", { command: `echo ${key}` })).toBe("[redacted]");
    await expect(call("bash", { command: `echo ${key}; false` })).rejects.toThrow(/^\[redacted\]/);
  });

  it("does not wait for a grandchild that holds the pipe, and killAll ends it", async () => {
    const output = await text("bash", { command: "sleep 1000 & echo $!" });
    const pid = Number(output);
    expect(isAlive(pid)).toBe(true);
    processes.killAll();
    await until(() => !isAlive(pid));
  });

  it("kills the whole group on timeout, with those that ignore SIGTERM", async () => {
    const command = `trap '' TERM; (trap '' TERM; echo $BASHPID > ${cwd}/pid; while :; do sleep 1; done) & while :; do sleep 1; done`;
    const run = call("bash", { command, timeout_ms: 2000 });
    await expect(run).rejects.toThrow(/timed out after 2000 ms/);
    await until(() => !isAlive(Number(readFileSync(join(cwd, "pid"), "utf8"))));
  });

  it("kills the whole group on abort", async () => {
    const abort = new AbortController();
    const run = call(
      "bash",
      { command: `sleep 1000 & echo $! > ${cwd}/pid; wait` },
      { signal: abort.signal },
    );
    await until(() => existsSync(join(cwd, "pid")) && readFileSync(join(cwd, "pid"), "utf8").endsWith("\n"));
    abort.abort();
    await expect(run).rejects.toThrow(/aborted/);
    await until(() => !isAlive(Number(readFileSync(join(cwd, "pid"), "utf8"))));
  });

  it("keeps the end of 100 MB, and all of it in a file that only the user can read", async () => {
    const command = "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo the end";
    const output = await text("bash", { command });
    expect(Buffer.byteLength(output)).toBeLessThan(52_000);
    expect(output).toMatch(/\nthe end$/);
    const file = /the full output is in (\S+)\]/.exec(output)![1]!;
    const stat = statSync(file);
    expect(stat.size).toBeGreaterThan(100_000_000);
    expect(stat.mode & 0o777).toBe(0o600);
    rmSync(dirname(file), { recursive: true });
  });

  it("keeps the last 2,000 of many short lines, and notes the file", async () => {
    const lines = (await text("bash", { command: "seq 1 3000" })).split("\n");
    expect(lines).toHaveLength(2_001);
    expect(lines.slice(0, 2)).toEqual([expect.stringContaining("full output is in"), "1001"]);
    rmSync(dirname(/in (\S+)\]/.exec(lines[0]!)![1]!), { recursive: true });
  });

  it("makes text of binary output", async () => {
    const output = await text("bash", { command: "printf '\\000\\377\\033[31mred\\033[0m\\001ok'" });
    expect(output).toBe("\uFFFDredok");
  });

  it("shows its progress while it runs", async () => {
    const snapshots: string[] = [];
    const abort = new AbortController();
    const progress = (snapshot: string) => {
      snapshots.push(snapshot);
      abort.abort();
    };
    const run = call("bash", { command: "echo begun; sleep 1000" }, { progress, signal: abort.signal });
    await expect(run).rejects.toThrow(/aborted/);
    expect(snapshots).toEqual(["begun\n"]);
  });
});

describe("fork, sync and logs", () => {
  it("are offered only where there is a beyond program", () => {
    expect([...tools({ PATH: "/nowhere" }).keys()]).not.toContain("fork");
    expect([...tools({ PATH: "/nowhere", AI_AGENT_BEYOND_BIN: "/bin/echo" }).keys()]).toEqual(
      expect.arrayContaining(["fork", "sync", "logs"]),
    );
  });

  it("run it with plain arguments and without a shell", async () => {
    const env = { PATH: process.env.PATH, AI_AGENT_BEYOND_BIN: "/bin/echo" };
    expect(await text("fork", { app: "a; rm -rf /", name: "$(id)" }, { env })).toBe(
      "fork a; rm -rf / --name $(id)",
    );
    expect(await text("sync", { path: "x" }, { env })).toBe("sync x");
    expect(await text("sync", {}, { env })).toBe("sync");
    expect(await text("logs", { app: "a", query: "q" }, { env })).toBe("logs --app a --query q");
    await expect(async () => call("fork", { app: "--help" }, { env })).rejects.toThrow(/must not begin with/);
  });
});
