/** Edits one `stream_options` object so that it asks for usage, and leaves its other bytes as they are. */
import { createChunkWords, useChunk } from "./byte-search.ts";
import type { JsonHandler } from "./json-handler.ts";
import { JsonMachine } from "./json-machine.ts";
import { compilePaths } from "./json-paths.ts";

const encoder = new TextEncoder();
const TRUE = encoder.encode("true");
const MEMBER = encoder.encode('"include_usage":true');
/** The object that stands in for `null`, and for an object without members. */
export const ASKING_OPTIONS: Uint8Array = encoder.encode('{"include_usage":true}');

const OBJECT = 0;
const INCLUDE_USAGE = 1;
const PATHS = compilePaths([
  { path: "", slot: OBJECT, wants: ["value"] },
  { path: "include_usage", slot: INCLUDE_USAGE, wants: ["value", "string", "scalar"] },
]);

interface ValueExtent {
  readonly start: number;
  readonly end: number;
  readonly isTrue: boolean;
}

/**
 * @param object JSON text of an object, from brace to brace
 * @returns undefined if it asks already
 */
export function askInOptions(object: Uint8Array): Uint8Array | undefined {
  const values = findValues(object);
  if (values.length === 0) return addMember(object);
  // Of duplicates the last one wins, as in the providers' parsers.
  if (values.at(-1)!.isTrue) return undefined;
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of values) {
    parts.push(object.subarray(at, start), TRUE);
    at = end;
  }
  parts.push(object.subarray(at));
  return join(parts);
}

function findValues(object: Uint8Array): ValueExtent[] {
  const values: ValueExtent[] = [];
  let start = 0;
  const ended = (isTrue: boolean) => values.push({ start, end: machine.position, isTrue });
  const handler: JsonHandler = {
    value: (slot) => {
      if (slot === INCLUDE_USAGE) start = machine.position;
    },
    string: () => ended(false),
    scalar: (_slot, { text }) => ended(text === "true"),
    close: (slot) => {
      if (slot === INCLUDE_USAGE) ended(false);
    },
    text: () => {},
  };
  const machine = new JsonMachine(PATHS, handler);
  const words = createChunkWords();
  useChunk(words, object);
  machine.push(words, 0, object.length);
  return values;
}

function addMember(object: Uint8Array): Uint8Array {
  const last = object.length - 1;
  const isEmpty = object.subarray(1, last).every((byte) => byte <= 0x20);
  const comma = isEmpty ? new Uint8Array(0) : encoder.encode(",");
  return join([object.subarray(0, last), comma, MEMBER, object.subarray(last)]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
