/** The gateway alone, as a module with a `fetch` handler: Bun (`bun examples/fetch-handler.ts`), Deno, Workers and others. */
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const gateway = createGateway({ ...settings, onUsage: (row) => console.log(formatRow(row)) });

export default { fetch: gateway.fetch };
