/** The native transport of Bun: a `Request` of Bun.serve in, the HTTP client of the servers out. */
import { type Admission, admit, type Plan } from "../../src/gateway/admission.ts";
import { clientPatienceMs } from "../../src/gateway/client-patience.ts";
import { internalError, refuse } from "../../src/gateway/refusals.ts";
import type { GatewayState } from "../../src/gateway/state.ts";
import { inboundOf } from "../../src/gateway/web-request.ts";
import { refusalResponse } from "../../src/gateway/web-response.ts";
import type { HttpClient } from "../server/http/client.ts";
import { Relay } from "../server/relay.ts";
import { BunAnswer, type ClientEvents } from "./answer.ts";
import { Upload } from "./upload.ts";

/** Answers one request; never throws or rejects. */
export type Listener = (request: Request) => Response | Promise<Response>;

export function createListener(state: GatewayState, client: HttpClient): Listener {
  return (request) => {
    state.metrics.requests.add();
    const settled = (admission: Admission): Response | Promise<Response> => {
      if (!admission.ok) {
        // The rest of an upload that nobody will read.
        void request.body?.cancel().catch(() => {});
        return refusalResponse(request.method, refuse(state, admission));
      }
      return relay(state, client, request, admission);
    };
    const failed = (error: unknown): Response => {
      state.log("error", "request failed", { error: String(error) });
      return refusalResponse(request.method, internalError(state));
    };
    try {
      const admission = admit(state, inboundOf(request));
      return admission instanceof Promise ? admission.then(settled).catch(failed) : settled(admission);
    } catch (error) {
      return failed(error);
    }
  };
}

function relay(state: GatewayState, client: HttpClient, request: Request, plan: Plan): Promise<Response> {
  const patienceMs = clientPatienceMs(plan.settings.config);
  const events: ClientEvents = {
    clientReads: () => relay.clientReads(),
    clientLeft: () => relay.clientLeft(),
  };
  const answer = new BunAnswer(request.method, patienceMs, events);
  const relay = new Relay(state, client, plan, answer);
  // A listener that is added costs 1 µs more.
  request.signal.onabort = events.clientLeft;
  new Upload(request, relay, state.clock, patienceMs, () => answer.stall()).run();
  return answer.response;
}
