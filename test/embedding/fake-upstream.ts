/** An upstream without a network: remembers what was asked, answers by the test's own function. */
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../src/index.ts";

export interface FakeUpstream extends Upstream {
  readonly requests: readonly UpstreamRequest[];
}

const EMPTY_OBJECT = { status: 200, statusText: "OK", headers: ["content-type", "application/json"] };

/** Answers `{}` unless it is told otherwise. */
export function fakeUpstream(
  answer: (request: UpstreamRequest) => UpstreamResponse = () => ({
    ...EMPTY_OBJECT,
    body: new Response("{}").body,
  }),
): FakeUpstream {
  const requests: UpstreamRequest[] = [];
  return {
    requests,
    async send(request) {
      requests.push(request);
      // As a provider does: the request is read before it is answered.
      if (request.body instanceof ReadableStream) await new Response(request.body).arrayBuffer();
      return answer(request);
    },
  };
}
