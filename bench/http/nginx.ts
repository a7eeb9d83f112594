/** nginx as a pass-through: one process, nothing buffered, connections to the provider kept. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { findFreePort, untilListening } from "./free-port.ts";
import { type Place, type RunningTarget, runningTarget } from "./target.ts";

/** So many requests that no connection is closed for its age. */
const MANY = 1_000_000_000;

export async function startNginx(program: string, { providerPort, folder }: Place): Promise<RunningTarget> {
  const port = await findFreePort();
  const configFile = join(folder, "nginx.conf");
  writeFileSync(configFile, nginxConfig(folder, port, providerPort));
  const child = startChild({ command: [program, "-p", folder, "-c", configFile], lines: "stderr" });
  return runningTarget(child, untilListening(port));
}

/** `master_process off`: its one worker, without a second process or a change of user. */
function nginxConfig(folder: string, port: number, providerPort: number): string {
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
    keepalive 1024;
    keepalive_requests ${MANY};
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }
}
`;
}
