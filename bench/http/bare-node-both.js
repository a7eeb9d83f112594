/** node:http in and out, nothing looked at. `bare-node-both.js PROVIDER_PORT` prints its port. */
import { Agent, request as ask, createServer } from "node:http";

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true });

const server = createServer((request, response) => {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const { method, url: path } = request;
  const up = ask({ host: "127.0.0.1", port, agent, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(up);
  response.once("close", () => up.destroy());
  up.once("error", () => response.destroy());
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
