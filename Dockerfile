# One image for every service of Millrace; the command says which. The same Node as tools/node.
# A registry or a certificate authority of your own: docs/compose.md.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# The stages that run something stay on the builder's platform, so that a build for another needs no emulation.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS sources
WORKDIR /app
COPY . .

FROM sources AS page
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi && \
    npm ci --workspace=dashboards/live && \
    node dashboards/live/build.ts

# What the services need at run time, and nothing else: no types, no source maps. No package needs an install script, so those of the
# target's platform can be installed on any other.
FROM sources AS production
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi && \
    cpu="$(echo "${TARGETARCH:-$(node -p process.arch)}" | sed s/amd64/x64/)" && \
    npm ci --omit=dev --os=linux --cpu="$cpu" --libc=glibc \
      --workspace=device-simulator --workspace=edge-agent --workspace=cloud-ingest --workspace=packages/cli && \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete && \
    rm -r dashboards && mkdir /data
COPY --from=page /app/dashboards/live/dist dashboards/live/dist

# Services run from their .ts sources. Node strips types only outside node_modules, where the links of the
# workspace lead, so node_modules must keep its links. Nothing is run here: see the first stage.
FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Sensor readings from devices to dashboards, every one accounted for." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app ./
# A new named volume takes the owner of the folder it is mounted over.
COPY --from=production --chown=node:node /data /data
USER node
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning"]
CMD ["packages/cli/src/main.ts", "--help"]
