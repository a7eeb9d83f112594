/** Says in the config's words why a listener could not be opened. */
import { formatListenAddress, type ListenAddress } from "../../../src/config/address.ts";
import type { Config } from "../../../src/config/keys.ts";
import { codeOf } from "../errors.ts";
import type { OpenServer, ServerRuntime } from "../runtime.ts";
import { CliError } from "./conventions.ts";

/** The runtime, with failures to listen told as `CliError`s that name the key and the address. */
export function withNamedListeners(runtime: ServerRuntime, config: Config): ServerRuntime {
  const areSame = isSame(config.listen, config.metricsListen);
  const listenKey = areSame ? "listen (same as metrics_listen)" : "listen";
  const metricsKey = areSame ? "metrics_listen (same as listen)" : "metrics_listen";
  const { openWorkers } = runtime;
  return {
    listen: (state, address) => named(listenKey, address, runtime.listen(state, address)),
    listenApp: (app, address) => named(metricsKey, address, runtime.listenApp(app, address)),
    ...(openWorkers && {
      openWorkers: async (options) => {
        const workers = await openWorkers(options);
        return {
          ...workers,
          listen: (state, address) => named(listenKey, address, workers.listen(state, address)),
        };
      },
    }),
  };
}

async function named(key: string, address: ListenAddress, opening: Promise<OpenServer>): Promise<OpenServer> {
  try {
    return await opening;
  } catch (error) {
    throw new CliError(`${key}: ${whyNot(codeOf(error), formatListenAddress(address))}`);
  }
}

function whyNot(code: string, address: string): string {
  switch (code) {
    case "EADDRINUSE":
      return `${address} is in use: stop what listens there or set another port`;
    case "EACCES":
      return `no permission to listen on ${address}: set a port above 1023`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `this machine has no address ${address}: set 0.0.0.0 or one of its own`;
    default:
      return `cannot listen on ${address}: ${code}`;
  }
}

const isSame = (a: ListenAddress, b: ListenAddress): boolean =>
  a.port !== 0 && a.port === b.port && a.host === b.host;
