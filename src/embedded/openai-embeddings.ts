/** OpenAI's embeddings: a unit vector that depends on the text alone, as floats or as base64. */
import { badRequest } from "./errors.ts";
import { countOf, type JsonObject } from "./json.ts";
import { requireModel } from "./openai-chat.ts";
import { countWords } from "./reply.ts";

const DEFAULT_DIMENSIONS = 8;
const MAX_DIMENSIONS = 3072;

/** `POST /embeddings`. The stock SDK asks for `encoding_format: "base64"` unless told otherwise. */
export function embeddings(body: JsonObject): JsonObject {
  const model = requireModel(body);
  const inputs = (Array.isArray(body.input) ? body.input : [body.input]).filter(
    (input) => typeof input === "string",
  );
  if (inputs.length === 0)
    throw badRequest("'$.input' is invalid: give a string or an array of strings.", "input");
  const dimensions = Math.min(countOf(body.dimensions) ?? DEFAULT_DIMENSIONS, MAX_DIMENSIONS);
  const data = inputs.map((input, index) => {
    const vector = embed(input, dimensions);
    const embedding = body.encoding_format === "base64" ? float32Base64(vector) : vector;
    return { object: "embedding", index, embedding };
  });
  const tokens = inputs.reduce((sum, input) => sum + countWords(input), 0);
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function embed(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (let at = 0; at < text.length; at++) vector[at % dimensions]! += text.charCodeAt(at) % 31;
  const norm = Math.hypot(...vector) || 1;
  return vector.map((component) => component / norm);
}

/** Little-endian 32-bit floats: the layout of OpenAI's base64 embeddings. */
function float32Base64(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, component] of vector.entries()) view.setFloat32(at * 4, component, true);
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
}
