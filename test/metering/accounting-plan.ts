/** What each request of the accounting run does, drawn at random from a seed: who asks, what the provider does, when the client leaves. */

/** What the provider does with a request. */
export type Fault =
  | "none"
  /** Answers, and stops in the middle until the client has read what came. */
  | "stall"
  | "reset-before-head"
  | "cut-by-fin"
  | "cut-by-rst"
  | "status-429"
  | "status-500"
  /** Goes on until the client leaves: before the head, in mid-body, or in the middle of its own upload. */
  | "left-before-head"
  | "left-in-body"
  | "left-in-upload";

export type Shape = "chat-json" | "chat-stream" | "messages-json" | "messages-stream" | "responses-stream";

export interface RequestPlan {
  /** Also in its model's name, by which its row is found again. */
  readonly n: number;
  /** `refused` has a key that does not verify. */
  readonly credential: "managed" | "byo" | "refused";
  readonly shape: Shape;
  readonly fault: Fault;
  /** Bytes of the prompt. Above 64 KiB the body streams up. */
  readonly promptBytes: number;
  /** Bytes of the answer's text. */
  readonly answerBytes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const SHAPES: readonly Shape[] = [
  "chat-json",
  "chat-stream",
  "messages-json",
  "messages-stream",
  "responses-stream",
];

/** Weights out of 100; what is left has no fault. */
const FAULTS: readonly (readonly [Fault, weight: number])[] = [
  ["stall", 8],
  ["reset-before-head", 4],
  ["cut-by-fin", 5],
  ["cut-by-rst", 5],
  ["status-429", 5],
  ["status-500", 5],
  ["left-before-head", 5],
  ["left-in-body", 8],
  ["left-in-upload", 4],
];

export function planRequests(seed: number, count: number): RequestPlan[] {
  const random = mulberry32(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, n) => {
    const fault = pickFault(upTo(100));
    const isHuge = fault === "left-in-upload" || upTo(100) < 3;
    const who = upTo(100);
    return {
      n,
      credential: who < 85 || fault === "left-in-upload" ? "managed" : who < 95 ? "byo" : "refused",
      shape: SHAPES[upTo(SHAPES.length)]!,
      fault,
      promptBytes: isHuge ? 70_000 + upTo(150_000) : upTo(2_000),
      answerBytes: upTo(100) < 3 ? 100_000 + upTo(900_000) : upTo(2_000),
      inputTokens: upTo(100_000),
      outputTokens: upTo(10_000),
    };
  });
}

function pickFault(draw: number): Fault {
  let below = 0;
  for (const [fault, weight] of FAULTS) {
    below += weight;
    if (draw < below) return fault;
  }
  return "none";
}

/** Tommy Ettinger's generator: 32 bits of state, the same numbers everywhere. Gives numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
