/** Large prompts, one after the other, as fast as they are taken. */
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { uploadParts } from "./bodies.ts";
import { type LoadOptions, type LoadResult, readOptions, tell } from "./load.ts";

export interface UploadOptions extends LoadOptions {
  readonly bytes: number;
  readonly uploads: number;
  /** How long they may take. */
  readonly secs: number;
}

export interface Uploads extends LoadResult {
  /** All of them together. */
  readonly uploadSecs: number;
}

const { origin, path, headers, bytes, uploads } = readOptions<UploadOptions>();
const { head, piece, pieces, tail } = uploadParts(bytes);
const length = head.length + piece.length * pieces + tail.length;

function* body(): Generator<Buffer> {
  yield head;
  for (let i = 0; i < pieces; i++) yield piece;
  yield tail;
}

function upload(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request(origin + path, {
      method: "POST",
      headers: { ...headers, "content-length": length },
    });
    call.once("error", reject);
    call.once("response", (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode === 200));
      response.once("error", reject);
    });
    pipeline(Readable.from(body()), call).catch(reject);
  });
}

const start = performance.now();
let answered = 0;
for (let i = 0; i < uploads; i++) if (await upload()) answered++;
const uploadSecs = (performance.now() - start) / 1000;
const result: Uploads = { answered, failed: uploads - answered, uploadSecs };
tell(result);
