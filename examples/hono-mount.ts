/** In a Hono app, by `app.mount`, which hands over the request itself: for a plain path, without the app's context. */
import { Hono } from "hono";
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const gateway = createGateway({ ...settings, onUsage: (row) => console.log(formatRow(row)) });

const app = new Hono();
app.get("/metrics", (c) => c.text(gateway.metrics()));
app.mount("/ai", gateway.fetch);

export default app;
