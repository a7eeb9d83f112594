/** The port for runtimes on which a read of a body costs so much that it matters how it is made. */

/** What is used of a body's reader. */
export type ChunkReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** Every chunk has memory of its own. A body's end may be told by its declared length, without a read. */
export interface BodyReaders {
  /** In chunks as large as may be held, however long one takes: for uploads of declared length. */
  inPieces(body: ReadableStream<Uint8Array>, length: number): ChunkReader;
  /** What is there, as soon as it is there, and no more at a time than may be held. */
  asItComes(body: ReadableStream<Uint8Array>, length: number | undefined): ChunkReader;
}
