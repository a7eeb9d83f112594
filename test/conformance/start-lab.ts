/** Starts what the conformance and SDK suites run against: a stand-in provider and three gateways over it. */
import { json } from "../support/answers.ts";
import type { StartGateway } from "../support/gateway-process.ts";
import { type Answer, startStandIn } from "../support/stand-in.ts";
import type { Lab } from "./lab.ts";
import { baseSetup, ceilingsSetup, strictSetup } from "./setups.ts";

/** Rejects, with everything stopped again, when a gateway does not start. */
export async function startLab(
  start: StartGateway,
  answer: Answer = json(200, {}),
): Promise<Lab & { stop(): Promise<void> }> {
  const standIn = await startStandIn(answer);
  const setups = [baseSetup, strictSetup, ceilingsSetup].map((setup) => setup(standIn.authority));
  const starts = await Promise.allSettled(setups.map(start));
  const gateways = starts.flatMap((started) => (started.status === "fulfilled" ? [started.value] : []));
  const stop = async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await standIn.close();
  };
  const failed = starts.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") {
    await stop();
    throw failed.reason;
  }
  const [base, strict, ceilings] = gateways;
  return { standIn, base: base!, strict: strict!, ceilings: ceilings!, stop };
}
