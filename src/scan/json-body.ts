/** Reads a metered response that is one JSON document. */
import type { ChunkWords } from "./byte-search.ts";
import { ResponseReader } from "./response-reader.ts";
import type { Wire } from "./wires.ts";

/** As many as are kept for the next responses. */
const MAX_IDLE = 64;

export class JsonBody {
  readonly reader: ResponseReader;
  readonly wire: Wire;
  /** No part of a document is hidden from anyone. */
  readonly undecidedFrom = -1;
  /** The document is closed. */
  complete = false;

  constructor(wire: Wire) {
    this.wire = wire;
    this.reader = new ResponseReader(wire, wire.json);
  }

  push(words: ChunkWords, from: number, to: number): void {
    this.reader.push(words, from, to);
  }

  end(): void {
    this.complete = this.reader.end();
  }
}

/** By wire. Small answers are read in less time than what reads them is made, and it is in no cache then. */
const idle = new Map<Wire, JsonBody[]>();

export function takeJsonBody(wire: Wire): JsonBody {
  return idle.get(wire)?.pop() ?? new JsonBody(wire);
}

/** Nobody looks at it any more. */
export function giveJsonBody(body: JsonBody): void {
  let bodies = idle.get(body.wire);
  if (!bodies) {
    bodies = [];
    idle.set(body.wire, bodies);
  }
  if (bodies.length === MAX_IDLE) return;
  body.complete = false;
  body.reader.renew();
  bodies.push(body);
}
