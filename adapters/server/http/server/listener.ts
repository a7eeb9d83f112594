/** What the gateway does with a request that a connection has read. */
import { type Admission, admit } from "../../../../src/gateway/admission.ts";
import { internalError, refuse } from "../../../../src/gateway/refusals.ts";
import type { GatewayState } from "../../../../src/gateway/state.ts";
import { inboundOf } from "../../inbound.ts";
import { Relay } from "../../relay.ts";
import { Upload } from "../../upload.ts";
import type { HttpClient } from "../client/http-client.ts";
import type { ClientConnection } from "./connection.ts";
import type { RequestHead } from "./request-parser.ts";
import { ServedRequest } from "./served-request.ts";

/** Never throws or rejects. */
export type Listener = (head: RequestHead, connection: ClientConnection) => void;

export function createListener(state: GatewayState, client: HttpClient): Listener {
  return (head, connection) => {
    state.metrics.requests.add();
    const request = new ServedRequest(head, connection);
    let relay: Relay | undefined;
    const settled = (admission: Admission): void => {
      if (!admission.ok) return request.refuse(refuse(state, admission));
      relay = new Relay(state, client, admission, request);
      request.run(relay, new Upload(connection, relay));
    };
    const failed = (error: unknown): void => {
      if (relay) return relay.onFailed(error);
      state.log("error", "request failed", { error: String(error) });
      request.refuse(internalError(state));
    };
    try {
      const admission = admit(state, inboundOf(head.method, head.target, head.headers));
      if (admission instanceof Promise) admission.then(settled).catch(failed);
      else settled(admission);
    } catch (error) {
      failed(error);
    }
  };
}
