/** The baseline on Bun: Bun.serve in, fetch out, nothing looked at. `bare-bun.js PROVIDER_PORT` prints its port. */
const provider = `http://127.0.0.1:${process.argv[2]}`;

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch(request) {
    const url = new URL(request.url);
    return fetch(provider + url.pathname + url.search, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      decompress: false,
      redirect: "manual",
      signal: request.signal,
    });
  },
});
console.log(server.port);
