/** nginx as a pass-through in one process: as `proxy_pass` comes, a connection for each request, and tuned to be as cheap as it can. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { findFreePort, untilListening } from "./free-port.ts";
import { type Place, type RunningTarget, runningTarget } from "./target.ts";

/** So many requests that no connection is closed for its age. */
const MANY = 1_000_000_000;

/** `tuned`: connections to the provider are kept, and request bodies go up as they come. Responses do either way. */
export async function startNginx(
  program: string,
  tuned: boolean,
  { providerPort, folder }: Place,
): Promise<RunningTarget> {
  const port = await findFreePort();
  const configFile = join(folder, "nginx.conf");
  writeFileSync(configFile, nginxConfig(folder, port, providerPort, tuned));
  const child = startChild({ command: [program, "-p", folder, "-c", configFile], lines: "stderr" });
  return runningTarget(child, untilListening(port));
}

const TUNED = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;`;

/** `master_process off`: its one worker, without a second process or a change of user. */
function nginxConfig(folder: string, port: number, providerPort: number, tuned: boolean): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  keepalive_requests ${MANY};
  client_max_body_size 0;
  upstream provider {
    server 127.0.0.1:${providerPort};
    ${tuned ? `keepalive 1024; keepalive_requests ${MANY};` : ""}
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://provider;
      proxy_buffering off;
      ${tuned ? TUNED : ""}
    }
  }
}
`;
}
