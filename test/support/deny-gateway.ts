/** A gateway over a deny source, and what a tenant's request gets from it. */
import { json } from "./answers.ts";
import { readKeyVectors } from "./fixtures.ts";
import type { RunningGateway, StartGateway } from "./gateway-process.ts";
import { mint } from "./mint.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

export interface DenyLab {
  readonly standIn: StandIn;
  /** Starts a gateway with these keys of the config; stopped with the lab. */
  start(config: Readonly<Record<string, unknown>>): Promise<RunningGateway>;
  stop(): Promise<void>;
}

export async function startDenyLab(start: StartGateway): Promise<DenyLab> {
  const standIn = await startStandIn(json(200, {}));
  const gateways: RunningGateway[] = [];
  return {
    standIn,
    async start(config) {
      const gateway = await start({
        config: {
          listen: "127.0.0.1:0",
          metrics_listen: "127.0.0.1:0",
          signing_keys: readKeyVectors().signing_keys,
          pool_keys: { openai: "pool-openai" },
          provider_authorities: { openai: standIn.authority },
          upstream_tls: false,
          rate_limit_rps: 0,
          shutdown_delay_secs: 0,
          ...config,
        },
      });
      gateways.push(gateway);
      return gateway;
    },
    async stop() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await standIn.close();
    },
  };
}

/** The status of one request of a tenant. */
export async function ask(gateway: RunningGateway, tenantId: string, keyId?: string): Promise<number> {
  const response = await fetch(`${gateway.url}/openai/v1/models`, {
    headers: { authorization: `Bearer ${mint({ tenantId, ...(keyId !== undefined && { keyId }) })}` },
  });
  await response.arrayBuffer();
  return response.status;
}
