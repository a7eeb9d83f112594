/** What the `type` of a document says of it. Events repeat theirs, so it is worked out once for each change. */

export interface EventType {
  readonly name: string;
  readonly isError: boolean;
  /** It ends a stream of its wire. */
  readonly ends: boolean;
  /** A root `delta` is text: not in events of audio and images, where it is base64 (their transcripts are text again). */
  readonly deltaIsText: boolean;
}

/** @param ending matches the types that end a stream of the wire */
export function describeType(name: string, ending: RegExp | undefined): EventType {
  return {
    name,
    isError: name === "error" || name === "response.failed",
    ends: ending?.test(name) === true,
    deltaIsText: name.includes("transcript") || !/audio|image/.test(name),
  };
}
