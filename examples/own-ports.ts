/** Ports of your own: denies from your database, rows to your queue, and one provider answered in this very process. */

import { createEmbeddedProvider } from "../src/embedded/provider.ts";
import { createGateway, type UsageRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const answer = createEmbeddedProvider();
const suspended = new Set(["666"]);
export const rows: UsageRow[] = [];

const gateway = createGateway({
  ...settings,
  poolKeys: { openai: "any", anthropic: "any" },
  deny: { lookup: (tenantId) => (suspended.has(tenantId) ? "spend" : undefined) },
  onUsage: (row) => void rows.push(row),
  upstream: {
    async send({ method, path, headers, body }) {
      const pairs = headers.flatMap((name, at): [string, string][] =>
        at % 2 ? [] : [[name, headers[at + 1]!]],
      );
      const init = { method, headers: pairs, body: body as BodyInit | null, duplex: "half" };
      const response = await answer(new Request(`http://in.process${path}`, init));
      return {
        status: response.status,
        statusText: response.statusText,
        headers: [...response.headers].flat(),
        body: response.body,
      };
    },
  },
});

export default { fetch: gateway.fetch };
