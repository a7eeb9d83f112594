/** The request scanner over bodies of 1 MB and more, in chunks of 64 KiB. */
import { createRequestScanner } from "../../src/scan/request-scanner.ts";
import { check, cut, type MicroBar, type MicroCase } from "./case.ts";

const CHUNK_BYTES = 65_536;
const LONG_STRINGS: MicroBar = { atLeastMbPerSec: 1000 };
const DENSE_JSON: MicroBar = { atLeastMbPerSec: 300 };

const message = (i: number) => ({
  role: "user",
  content: `Hi there ${i}`,
  name: "bob",
  x: [1, 2, 3],
  y: { a: null, b: true },
});
const parameters = {
  type: "object",
  properties: { path: { type: "string" }, mode: { type: "string", enum: ["r", "w"] } },
};
const tool = (i: number) => ({
  type: "function",
  function: { name: `f${i}`, description: "does things", parameters },
});
const list = <T>(length: number, item: (i: number) => T): T[] => Array.from({ length }, (_, i) => item(i));

export const scannerCases = (): MicroCase[] => [
  scanning("one long string", LONG_STRINGS, { messages: [{ role: "user", content: "x".repeat(1 << 20) }] }),
  scanning("prose with escapes", LONG_STRINGS, {
    messages: [{ role: "user", content: 'He said "go", and left.\nSo did she. '.repeat(1 << 15) }],
  }),
  scanning("dense messages", DENSE_JSON, { messages: list(8000, message) }),
  scanning("dense numbers", DENSE_JSON, { input: list(20_000, (i) => [i, i * 2, i * 3.5]) }),
  scanning("tool schemas", DENSE_JSON, { tools: list(4000, tool) }),
];

/** The model comes last, so that the scanner has to look at everything. */
function scanning(name: string, bar: MicroBar, request: object): MicroCase {
  const body = new TextEncoder().encode(JSON.stringify({ ...request, model: "gpt" }));
  const chunks = cut(body, CHUNK_BYTES);
  const run = (): void => {
    const scanner = createRequestScanner();
    for (const chunk of chunks) scanner.push(chunk);
    scanner.end();
    check(scanner.done && scanner.model === "gpt", name);
  };
  return { name: `model scanner: ${name}`, run, bytes: body.length, bar };
}
