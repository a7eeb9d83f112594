/** What the JSON machine reports, and to whom. */

export type JsonKind = "object" | "array" | "string" | "scalar";

/** A number or literal. */
export interface JsonScalar {
  /** Undefined if it was over 40 bytes. */
  readonly text: string | undefined;
  /** Of a whole number that a few plain digits spell, as nearly all counts are; -1: it is none. Costs no string. */
  readonly count: number;
}

/** Slots are those of the path rules. Buffers and scalars are valid only during the call. */
export interface JsonHandler {
  /** A value begins at `machine.position`, at a place that wants `value`. */
  value(slot: number, kind: JsonKind): void;
  /** A wanted string ended: `bytes[from, to)`. `to` is -1 if it was over 256 bytes or held half a surrogate pair. */
  string(slot: number, bytes: Uint8Array, from: number, to: number): void;
  /** A wanted number or literal ended. */
  scalar(slot: number, scalar: JsonScalar): void;
  /** `bytes` more of decoded UTF-8 of a counted string. */
  text(slot: number, bytes: number): void;
  /** A container at a place that wants `value` closed; `machine.position` is just past it. */
  close(slot: number): void;
}
