# The gateway as a container. `docker build .` gives Bun; `docker build --target node .` gives Node.
# Run it with a read-only root: it writes nothing but a deny snapshot, if `AI_SNAPSHOT_PATH` names a file on a volume.

FROM node:24.21.0-slim AS files
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are Node itself, which the base image has.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force
COPY src src
COPY adapters adapters

FROM node:24.21.0-slim AS node
ENV NODE_ENV=production
WORKDIR /app
COPY --from=files /app /app
USER node
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "adapters/node/bin.ts"]
CMD ["serve"]

FROM oven/bun:1.4.5-slim AS bun
ENV NODE_ENV=production
WORKDIR /app
COPY --from=files /app /app
USER bun
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["bun", "-e", "fetch('http://127.0.0.1:9090/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["bun", "adapters/bun/bin.ts"]
CMD ["serve"]
