/** The command line of `npm run bench:http`. */
import { parseArgs } from "node:util";
import { SCENARIOS } from "./scenarios.ts";
import { FAMILIES, type TargetOptions } from "./targets.ts";

export const USAGE = `npm run bench:http -- [options]
  --rounds N         interleaved rounds; every figure is the median over them (default 5)
  --secs N           how long each load lasts, after its warm-up (default 1)
  --quick            one round
  --only LIST        of ${FAMILIES.join(",")} (default: all that are installed)
  --scenario LIST    of ${SCENARIOS.map(({ name }) => name).join(",")} (default: all)
  --node PATH        a Node binary; more than one to compare (default: the one that runs this)
  --sources          measure the sources, and not what npm run build makes of them
  --portkey DIR      where @portkey-ai/gateway is installed, if not here
  --no-wrk           use the built-in load even where wrk is installed
  --json FILE        write everything that was measured there
  --help`;

export interface Options extends TargetOptions {
  readonly rounds: number;
  readonly secs: number;
  readonly scenarios: typeof SCENARIOS;
  readonly useWrk: boolean;
  readonly jsonFile: string | undefined;
  readonly help: boolean;
}

/** Throws an `Error` that says what is wrong with an option. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      rounds: { type: "string", default: "5" },
      secs: { type: "string", default: "1" },
      quick: { type: "boolean", default: false },
      only: { type: "string", default: FAMILIES.join(",") },
      scenario: { type: "string", default: SCENARIOS.map(({ name }) => name).join(",") },
      node: { type: "string", multiple: true, default: [process.execPath] },
      sources: { type: "boolean", default: false },
      portkey: { type: "string" },
      wrk: { type: "boolean", default: true },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const names = chosen(
    "--scenario",
    values.scenario,
    SCENARIOS.map(({ name }) => name),
  );
  return {
    rounds: values.quick ? 1 : count("--rounds", values.rounds),
    secs: count("--secs", values.secs),
    only: chosen("--only", values.only, FAMILIES),
    scenarios: SCENARIOS.filter(({ name }) => names.includes(name)),
    nodes: values.node,
    built: !values.sources,
    portkey: values.portkey,
    useWrk: values.wrk,
    jsonFile: values.json,
    help: values.help,
  };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option}: a whole number from 1 up, not ${JSON.stringify(text)}`);
  return value;
}

function chosen<T extends string>(option: string, list: string, all: readonly T[]): T[] {
  return list.split(",").map((name) => {
    const known = all.find((one) => one === name);
    if (known === undefined)
      throw new Error(`${option}: there is no ${JSON.stringify(name)}; there are ${all.join(", ")}`);
    return known;
  });
}
