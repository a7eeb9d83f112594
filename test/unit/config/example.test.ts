import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_FIELDS, CONFIG_KEYS, keyName, variableName } from "../../../src/config/keys.ts";
import { loadConfig } from "../../../src/config/parse.ts";

const example = readFileSync(new URL("../../../config.example.toml", import.meta.url), "utf8");
const uncommented = example.replace(/^#(?! )/gm, "");
const load = (toml: string) => loadConfig({ toml, env: {}, runtime: "node" }).config;
const defaults = load("");

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);

describe("config.example.toml", () => {
  it("changes nothing as it stands", () => {
    expect(load(example)).toEqual(defaults);
  });

  it("loads with every line uncommented, each key at its default or, without one, set", () => {
    const config = load(uncommented);
    for (const field of CONFIG_FIELDS) {
      if (isEmpty(defaults[field]) && field !== "managedPaths")
        expect(isEmpty(config[field]), field).toBe(false);
      else expect(config[field], field).toEqual(defaults[field]);
    }
  });

  it.each(CONFIG_FIELDS)("tells what %s does, in the words of the key table", (field) => {
    const lines = example.split("\n");
    const at = lines.findIndex(
      (line) => line.startsWith(`#${keyName(field)} = `) || line === `#[${keyName(field)}]`,
    );
    const { doc, noEffectOn } = CONFIG_KEYS[field];
    const only =
      { workers: " (Node, Bun)", "node,bun": " (Workers)", "bun,workers": " (Node)" }[String(noEffectOn)] ??
      "";
    expect(lines[at - 1]).toBe(`# ${doc}${only}`);
  });
});

describe("the key table", () => {
  it("spells keys and variables as gateway.md §11 does", () => {
    expect(keyName("upstreamHttp2")).toBe("upstream_http2");
    expect(keyName("denyLookupTimeoutMs")).toBe("deny_lookup_timeout_ms");
    expect(variableName("byoMaxRequestBytes")).toBe("AI_BYO_MAX_REQUEST_BYTES");
  });
});
