/**
 * The baseline on Node: node:http in, undici `Pool.stream` out, nothing looked at. `bare-node.js PROVIDER_PORT` prints its port.
 * Plain JavaScript, so that its cold start holds no stripping of types.
 */
import { createServer } from "node:http";
import { Pool } from "undici";

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: null, pipelining: 1 });

const server = createServer((request, response) => {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const abort = new AbortController();
  response.once("close", () => abort.abort());
  pool
    .stream(
      { method: request.method, path: request.url, headers, body: request, signal: abort.signal },
      ({ statusCode, headers: down }) => {
        response.writeHead(statusCode, down);
        return response;
      },
    )
    .catch(() => response.destroy());
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
