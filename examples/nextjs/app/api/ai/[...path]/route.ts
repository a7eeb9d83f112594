/** A Next.js route handler: POST /api/ai/v1/chat/completions. */
import { Hono } from "hono";
import { createGateway, formatRow } from "../../../../../../src/index.ts";
import { settings } from "../../../../../settings.ts";

const gateway = createGateway({ ...settings, onUsage: (row) => console.log(formatRow(row)) });
const app = new Hono().route("/api/ai", gateway);

// Next.js would keep answers to GET otherwise.
export const dynamic = "force-dynamic";

const handle = (request: Request): Response | Promise<Response> => app.fetch(request);

export { handle as DELETE, handle as GET, handle as PATCH, handle as POST, handle as PUT };
