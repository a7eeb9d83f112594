/** What the command says about itself, and about being misused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONFIG_FIELDS, keyName } from "../../src/config/keys.ts";
import { PROJECT_ROOT, runCli } from "./cli.ts";

describe("help and version", () => {
  it("prints the package's version", async () => {
    const { version }: { version: string } = JSON.parse(
      readFileSync(join(PROJECT_ROOT, "package.json"), "utf8"),
    );
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("lists every command and examples", async () => {
    const { code, stdout } = await runCli(["--help"]);
    expect(code).toBe(0);
    for (const name of ["serve", "dev", "doctor", "keygen", "mint", "inspect", "deny"]) {
      expect(stdout).toMatch(new RegExp(`^  ${name} .*\\S`, "m"));
    }
    expect(stdout).toContain("Examples:");
  });

  it("lists every config key under serve", async () => {
    const { code, stdout } = await runCli(["serve", "--help"]);
    expect(code).toBe(0);
    for (const field of CONFIG_FIELDS) expect(stdout).toContain(`  ${keyName(field)} `);
  });
});

describe("a misused command line", () => {
  it.each([
    { args: ["sevre"], says: "unknown command 'sevre'; did you mean 'serve'?" },
    { args: ["doctor", "--cnofig", "x"], says: "unknown option '--cnofig' (Did you mean --config?)" },
    { args: ["mint", "--vpc", "1", "--kid", "1"], says: "'--tenant <id>' not specified" },
    { args: ["mint", "--tenant", "18446744073709551616"], says: "'--tenant <id>' argument" },
    { args: ["mint", "--tenant", "01"], says: "'--tenant <id>' argument" },
    { args: ["mint", "--kid", "4294967296"], says: "'--kid <kid>' argument" },
    { args: ["inspect"], says: "missing required argument 'token'" },
    { args: ["dev", "--port", "65536"], says: "'--port <port>' argument" },
    { args: ["deny", "lsit"], says: "unknown command 'lsit'" },
  ])("is refused in one line with exit code 2: $args", async ({ args, says }) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each([
    ["mint", "--tenant", "1", "--vpc", "1", "--kid", "1", "c2VjcmV0LXNlY3JldC1zZWNyZXQ"],
    ["mint", "--tenant", "1", "--vpc", "1", "--kid", "1", "--secret-key=c2VjcmV0LXNlY3JldC1zZWNyZXQ"],
    ["c2VjcmV0LXNlY3JldC1zZWNyZXQ"],
  ])("does not repeat a secret that was given as an argument: %s %s", async (...args) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain("c2VjcmV0");
  });
});
