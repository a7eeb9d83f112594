/** Compiles the public types' own file, as an embedder's project would. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

describe("the public types", () => {
  it("say what an embedder may hand in and gets back, without a runtime's types", () => {
    const { stdout, status } = spawnSync("node_modules/.bin/tsc", ["-p", "test/types/tsconfig.json"], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
