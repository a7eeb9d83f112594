/** The usage tap over token streams of 4,000 events, as each wire writes them, and what the filter before it adds. */
import { createUsageFilter } from "../../src/scan/usage-filter.ts";
import { createUsageTap } from "../../src/scan/usage-tap.ts";
import { wireOf } from "../../src/scan/wires.ts";
import { check, cut, type MicroBar, type MicroCase } from "./case.ts";
import { oddStreams, openAi, type TokenStream, tokenStreams } from "./streams.ts";

const TOKEN_STREAM: MicroBar = { atLeastMbPerSec: 800 };
/** Between a packet and a full read of a socket. */
const READ_BYTES = 16 * 1024;

const encoder = new TextEncoder();
const joined = ({ events }: TokenStream): Uint8Array => encoder.encode(events.join(""));
const eachAlone = ({ events }: TokenStream): Uint8Array[] => events.map((event) => encoder.encode(event));
const inReads = (stream: TokenStream): Uint8Array[] => cut(joined(stream), READ_BYTES);

export const tapCases = (): MicroCase[] => [
  tapping(openAi, "64 KiB chunks", cut(joined(openAi), 65_536)),
  tapping(openAi, "4 KiB chunks", cut(joined(openAi), 4096)),
  tapping(openAi, "a chunk an event", eachAlone(openAi)),
  ...tokenStreams.map((stream) => tapping(stream, "16 KiB chunks", inReads(stream))),
  withoutBar(tapping(openAi, "1 KiB chunks", cut(joined(openAi), 1024))),
  withoutBar(tapping(openAi, "4 KiB chunks, filtered", cut(joined(openAi), 4096), true)),
  ...oddStreams.map((stream) => withoutBar(tapping(stream, "16 KiB chunks", inReads(stream)))),
];

function tapping(
  stream: TokenStream,
  by: string,
  chunks: readonly Uint8Array[],
  filtered = false,
): MicroCase {
  const { name, path, deltas } = stream;
  const run = (): void => {
    const tap = createUsageTap({ wire: wireOf(path), sse: true, status: 200 });
    const reader = filtered ? createUsageFilter(tap) : tap;
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    const { outputDeltas, usage, complete } = tap.result();
    check(outputDeltas === deltas && usage?.outputTokens === deltas && complete, name);
  };
  const bytes = chunks.reduce((total, { length }) => total + length, 0);
  return { name: `usage tap: ${name}, ${by}`, run, bytes, bar: TOKEN_STREAM };
}

/** Not the token streams that the bar is about. */
const withoutBar = ({ bar: _, ...rest }: MicroCase): MicroCase => rest;
