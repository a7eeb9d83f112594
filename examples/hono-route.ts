/** In a Hono app, by `app.route`: its middleware runs first, and the path may have parameters. */
import { Hono } from "hono";
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const gateway = createGateway({ ...settings, onUsage: (row) => console.log(formatRow(row)) });

const app = new Hono();
app.get("/", (c) => c.text("An app with a gateway in it: POST /teams/blue/ai/v1/chat/completions\n"));
app.use("/teams/:team/ai/*", async (c, next) => {
  await next();
  c.header("x-team", c.req.param("team"));
});
app.route("/teams/:team/ai", gateway);

export default app;
