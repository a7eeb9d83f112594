/** The package as npm installs it: packed, its programs and its exports, with none of this clone beside them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askAll } from "../cluster/lab.ts";
import { COMPLETION, rowsIn } from "../holds/lab.ts";
import { configOver, startServed } from "../ops/served.ts";
import { json } from "../support/answers.ts";
import { startStandIn } from "../support/stand-in.ts";
import { PROJECT_ROOT, startCommand } from "./cli.ts";

const BUN = join(PROJECT_ROOT, "node_modules/.bin/bun");
const folder = mkdtempSync(join(tmpdir(), "beyond-ai-installed-"));
const modules = join(folder, "node_modules");
const installed = (file: string) => join(modules, "beyond-ai", file);

beforeAll(() => {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: PROJECT_ROOT });
  // Else a package.json further up would be the embedder's.
  writeFileSync(join(folder, "package.json"), "{}");
  mkdirSync(installed(""), { recursive: true });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  execFileSync("tar", ["-xzf", join(folder, tarball), "-C", installed(""), "--strip-components=1"]);
  for (const name of readdirSync(join(PROJECT_ROOT, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(PROJECT_ROOT, "node_modules", name), join(modules, name));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the package as installed", () => {
  it.each([
    ["beyond-ai on Node", process.execPath, "dist/adapters/node/bin.js"],
    ["beyond-ai on Bun", BUN, "dist/adapters/bun/bin.js"],
    ["beyond-ai-agent", process.execPath, "dist/adapters/node/agent/bin.js"],
  ])("tells its version: %s", async (_, program, file) => {
    const { code, stdout } = await startCommand(program, [installed(file), "--version"]).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it.each([
    ["beyond-ai", process.execPath, "createGateway"],
    ["beyond-ai/agent", process.execPath, "createAgent"],
    ["beyond-ai/node", process.execPath, "createUpstream"],
    ["beyond-ai/bun", BUN, "bunRuntime"],
  ])("exports %s", async (name, program, member) => {
    const file = join(folder, "embedder.mjs");
    writeFileSync(file, `import { ${member} } from "${name}"; console.log(typeof ${member});`);
    const { stdout, stderr } = await startCommand(program, [file]).ended;
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^(function|object)\n$/),
      stderr: "",
    });
  });

  it.each<[string, string, string, Record<string, unknown>]>([
    ["Node", process.execPath, "dist/adapters/node/bin.js", {}],
    ["Node with two workers", process.execPath, "dist/adapters/node/bin.js", { workers: 2 }],
    ["Bun", BUN, "dist/adapters/bun/bin.js", {}],
  ])("serves and writes rows on %s", async (runtime, program, file, config) => {
    const standIn = await startStandIn();
    standIn.setDefault(json(200, COMPLETION));
    const command = [program, installed(file)] as const;
    const gateway = await startServed({ runtime, command, config }, configOver(standIn.authority));
    expect(await askAll(gateway.url)).toEqual([200, 200, 200, 200]);
    gateway.process.child.kill("SIGTERM");
    const { code, stdout } = await gateway.process.ended;
    expect({ code, rows: rowsIn(stdout).length }).toEqual({ code: 0, rows: 4 });
    await standIn.close();
  });
});
