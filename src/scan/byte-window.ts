/** Bytes held back from earlier chunks and the chunk behind them, as one stretch of the body by its offsets. */

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class ByteWindow {
  readonly from: number;
  readonly to: number;
  readonly #held: Uint8Array;
  readonly #chunk: Uint8Array;
  readonly #offset: number;

  constructor(held: Uint8Array, chunk: Uint8Array, offset: number) {
    this.#held = held;
    this.#chunk = chunk;
    this.#offset = offset;
    this.from = offset - held.length;
    this.to = offset + chunk.length;
  }

  byte(at: number): number | undefined {
    return at < this.#offset ? this.#held[at - this.from] : this.#chunk[at - this.#offset];
  }

  /** Appends `[start, end)` to `parts` without copying. */
  take(start: number, end: number, parts: Uint8Array[]): void {
    const { from } = this;
    const offset = this.#offset;
    if (start < Math.min(end, offset))
      parts.push(this.#held.subarray(start - from, Math.min(end, offset) - from));
    const inChunk = Math.max(start, offset);
    if (inChunk === offset && end === this.to) parts.push(this.#chunk);
    else if (inChunk < end) parts.push(this.#chunk.subarray(inChunk - offset, end - offset));
  }

  /** An own copy, which outlives the chunk. */
  copy(start: number, end: number = this.to): Uint8Array {
    if (start >= end) return NO_BYTES;
    const parts: Uint8Array[] = [];
    this.take(start, end, parts);
    const own = new Uint8Array(end - start);
    let at = 0;
    for (const part of parts) {
      own.set(part, at);
      at += part.length;
    }
    return own;
  }
}
