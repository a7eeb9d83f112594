/** Entry of the search worker thread: one job, then it ends. */
import { parentPort, workerData } from "node:worker_threads";
import { search } from "./search.ts";

const port = parentPort;
if (port) search(workerData, (message) => port.postMessage(message));
