/**
 * Runs on Node: reads a request's and a response's head from standard input, lets go of both, and writes a heap snapshot to
 * standard output. Bytes are not in a snapshot: what it shows of the heads are strings that are still alive.
 */
import { readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { getHeapSnapshot } from "node:v8";
import { ResponseParser } from "../../adapters/server/http/client/response-parser.ts";
import { RequestParser } from "../../adapters/server/http/server/request-parser.ts";

const ignore = () => {};
const heads = readFileSync(0);
const request = new RequestParser({ onHead: ignore, onBody: ignore, onEnd: ignore });
const requestEnd = request.push(heads, 0);
const response = new ResponseParser("GET", { onHead: ignore, onBody: ignore, onEnd: ignore });
response.push(heads.subarray(requestEnd));
// The engine keeps what an expression was last matched with.
/^$/.test("");
await pipeline(getHeapSnapshot(), process.stdout);
// As the parsers of connections that are open.
if (!request.isDone) throw new Error("the request was not read");
