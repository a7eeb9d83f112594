/** Reads a metered response that is one JSON document. */
import type { ChunkWords } from "./byte-search.ts";
import { ResponseReader } from "./response-reader.ts";
import type { Wire } from "./wires.ts";

export class JsonBody {
  readonly reader: ResponseReader;
  /** No part of a document is hidden from anyone. */
  readonly undecidedFrom = -1;
  /** The document is closed. */
  complete = false;

  constructor(wire: Wire) {
    this.reader = new ResponseReader(wire, wire.json);
  }

  push(words: ChunkWords, from: number, to: number): void {
    this.reader.push(words, from, to);
  }

  end(): void {
    this.complete = this.reader.end();
  }
}
