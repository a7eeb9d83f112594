/** A fault of ours after a request was admitted. */
import { expect, it } from "vitest";
import type { ClientConnection } from "../../../adapters/server/http/server/connection.ts";
import { createListener } from "../../../adapters/server/http/server/listener.ts";
import { stateWith } from "../../support/state.ts";

it("is answered with 500, and leaves nothing in flight", () => {
  const state = stateWith({});
  const client = {
    call: () => {
      throw new Error("ours");
    },
    close() {},
  };
  let written = "";
  // What a request without a body asks of its connection.
  const connection = {
    carry() {},
    isClosed: false,
    isLast: false,
    hasWholeRequest: true,
    write(text: string, parts: readonly Uint8Array[]) {
      written += text + parts.map(String).join("");
      return true;
    },
    answered() {},
    readBody() {},
  };
  createListener(state, client)(
    {
      method: "GET",
      target: "/openai/v1/models",
      headers: ["authorization", "Bearer sk-own"],
      hasBody: false,
      length: undefined,
      isOld: false,
      keepAlive: true,
      expectsContinue: false,
    },
    connection as unknown as ClientConnection,
  );
  expect(written).toMatch(/^HTTP\/1\.1 500 /);
  expect(state.metrics.live.inFlight).toBe(0);
});
