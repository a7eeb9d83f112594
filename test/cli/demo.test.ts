/** The demo is the quick start's promise: it must hold on every machine, and say so when it does not. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROJECT_ROOT, startCommand } from "./cli.ts";

describe("the demo", () => {
  it("keeps every promise and exits 0, whatever the environment says", async () => {
    const demo = startCommand(process.execPath, [join(PROJECT_ROOT, "demo/demo.ts")], {
      env: { AI_POOL_KEY_OPENAI: "sk-of-the-developer", OPENAI_BASE_URL: "http://127.0.0.1:9" },
    });
    const { code, stdout, stderr } = await demo.ended;
    expect(stdout).not.toContain("BROKEN");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/^ {2}✓ .* ok {2}tenant 42 /gm)).toHaveLength(4);
  });
});
