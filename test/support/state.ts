/** A gateway's state, for tests of its parts: with the clock at 0, nobody denied, every signature good and no sink, unless told. */
import { type ConfigValues, configFrom } from "../../src/config/parse.ts";
import { createState, type GatewayState, type Ports } from "../../src/gateway/state.ts";

export const clockAt = (nowMs: () => number): Ports["clock"] => ({ now: nowMs, monotonic: nowMs });

export function stateWith(values: ConfigValues, ports: Partial<Ports> = {}): GatewayState {
  return createState(configFrom(values), {
    deny: { lookup: () => undefined },
    clock: clockAt(() => 0),
    verify: () => true,
    createDecoder: () => undefined,
    log: () => {},
    onUsage: () => {},
    ...ports,
  });
}
