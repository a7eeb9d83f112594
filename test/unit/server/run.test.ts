import { describe, expect, it } from "vitest";
import { plainServe } from "../../../adapters/server/cli/run.ts";

describe("a command line that is served without the command line's library", () => {
  it.each([
    [[], {}],
    [["serve"], {}],
    [["--config", "a.toml"], { config: "a.toml" }],
    [["serve", "--config", "a.toml"], { config: "a.toml" }],
    [["serve", "--config", ""], { config: "" }],
  ])("is %j", (args, options) => {
    expect(plainServe(args)).toEqual(options);
  });

  it.each([
    [["dev"]],
    [["serv"]],
    [["--help"]],
    [["--version"]],
    [["help", "serve"]],
    [["serve", "--help"]],
    [["serve", "serve"]],
    [["serve", "dev"]],
    [["serve", "--config"]],
    [["serve", "--config", "--help"]],
    [["serve", "--config=a.toml"]],
    [["serve", "--config", "a.toml", "extra"]],
    [["serve", "--config", "a.toml", "--config", "b.toml"]],
    [["a.toml", "--config"]],
  ])("is not %j", (args) => {
    expect(plainServe(args)).toBeUndefined();
  });
});
