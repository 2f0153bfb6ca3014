# One image for every service of Millrace; the command says which. The same Node as tools/node.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# Everything, to build the page.
FROM ${NODE_IMAGE} AS page
WORKDIR /app
COPY . .
RUN npm ci --ignore-scripts && node dashboards/live/build.ts

# What the services need at run time, and nothing else.
FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY . .
RUN npm ci --ignore-scripts --omit=dev \
      --workspace=device-simulator --workspace=edge-agent --workspace=cloud-ingest --workspace=packages/cli

# Services run from their .ts sources. Node strips types only outside node_modules, where the links of the
# workspace lead, so node_modules must keep its links.
FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Sensor readings from devices to dashboards, every one accounted for." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app ./
COPY --from=page /app/dashboards/live/dist dashboards/live/dist
# A new named volume takes the owner of the folder it is mounted over.
RUN mkdir /data && chown node:node /data
USER node
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning"]
CMD ["packages/cli/src/main.ts", "--help"]
