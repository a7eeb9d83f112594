/** Two gateways in one process, with keys, ceilings and rows of their own: nothing is shared. */
import { Hono } from "hono";
import { createGateway, formatRow } from "../src/index.ts";
import { settings } from "./settings.ts";

const production = createGateway({
  ...settings,
  onUsage: (row) => console.log(formatRow(row)),
});
const playground = createGateway({
  ...settings,
  // No virtual keys here: bring your own, at two requests a second.
  signingKeys: {},
  poolKeys: {},
  rateLimitRps: 2,
});

const app = new Hono();
app.route("/ai", production);
app.route("/playground", playground);

export default app;
