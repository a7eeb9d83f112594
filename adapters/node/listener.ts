/** The native transport of Node: node:http in, the HTTP client of the servers out, chunks handed on untouched. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Admission, admit, type Plan } from "../../src/gateway/admission.ts";
import { internalError, refuse } from "../../src/gateway/refusals.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import type { HttpClient } from "../server/http/client.ts";
import { Relay } from "../server/relay.ts";
import { NodeAnswer, writeError } from "./answer.ts";
import { inboundOf } from "./inbound.ts";
import { Upload } from "./upload.ts";

const ignore = (): void => {};

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** `expectsContinue`: the client waits for a `100 Continue` before it sends its body, so a refusal can save it the upload. */
export function createListener(state: GatewayState, client: HttpClient, expectsContinue = false): Listener {
  return (request, response) => {
    state.metrics.requests.add();
    const settled = (admission: Admission): void => {
      if (!admission.ok) return writeError(request, response, refuse(state, admission));
      if (expectsContinue) response.writeContinue();
      relay(state, client, request, response, admission);
    };
    const failed = (error: unknown): void => {
      state.log("error", "request failed", { error: String(error) });
      writeError(request, response, internalError(state));
    };
    try {
      const admission = admit(state, inboundOf(request));
      if (admission instanceof Promise) admission.then(settled).catch(failed);
      else settled(admission);
    } catch (error) {
      failed(error);
    }
  };
}

function relay(
  state: GatewayState,
  client: HttpClient,
  request: IncomingMessage,
  response: ServerResponse,
  plan: Plan,
): void {
  const answer = new NodeAnswer(request, response, () => relay.clientReads());
  const relay = new Relay(state, client, plan, answer);
  const upload = new Upload(request, relay);
  response.once("close", () => {
    // It closes after a whole answer, too.
    if (relay.isOver || response.writableFinished) return;
    upload.clientLeft();
    relay.clientLeft();
  });
  response.on("error", ignore);
  request.on("error", ignore);
  upload.run();
}
