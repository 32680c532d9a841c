# The images of Holdfast: `operator`, and one for each kind of container that the operator starts: `mysql`, `influxdb`, `git`,
# `duplicity`.
# Tools come before the product in every image, so that a change of the sources rebuilds in seconds.
ARG BASE=node:24-bookworm-slim

# Each program becomes one file with what it needs of its dependencies: it starts in half the time and takes two thirds of the memory.
FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY src ./src
RUN npm run build

# ssh refuses to run as a user without a passwd entry. Nothing below is written to: the root file system may be read-only.
FROM ${BASE} AS base
RUN groupadd --gid 65532 holdfast \
    && useradd --uid 65532 --gid 65532 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin holdfast
ENV NODE_ENV=production
WORKDIR /app

# The operator waits for most of its life: it is told to give memory back, at the price of some speed when there is much to do. What glibc
# has freed goes back to the system at once, and to few arenas (docs/performance.md).
FROM base AS operator
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=65536 MALLOC_MMAP_THRESHOLD_=65536
COPY --from=build /app/dist/operator.mjs ./
USER 65532:65532
ENTRYPOINT ["node", "--optimize-for-size", "--min-semi-space-size=4", "--max-semi-space-size=8", "/app/operator.mjs"]

FROM base AS mysql
RUN apt-get update \
    && apt-get install --yes --no-install-recommends mariadb-client util-linux \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/dist/agent/main.mjs ./agent.mjs
USER 65532:65532
ENTRYPOINT ["node", "/app/agent.mjs"]

# Of the package only the program: no user, no service, no configuration of a server comes along.
FROM ${BASE} AS influxd
WORKDIR /tmp/influxdb
RUN apt-get update \
    && apt-get download influxdb \
    && dpkg-deb --extract influxdb_*.deb . \
    && rm -rf /var/lib/apt/lists/*

FROM base AS influxdb
RUN apt-get update \
    && apt-get install --yes --no-install-recommends util-linux \
    && rm -rf /var/lib/apt/lists/*
COPY --from=influxd /tmp/influxdb/usr/bin/influxd /usr/bin/influxd
COPY --from=build /app/dist/agent/main.mjs ./agent.mjs
USER 65532:65532
ENTRYPOINT ["node", "/app/agent.mjs"]

FROM base AS git
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client ca-certificates util-linux \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/dist/agent/main.mjs ./agent.mjs
USER 65532:65532
ENTRYPOINT ["node", "/app/agent.mjs"]

# duplicity without its optional backends: all of them together are ten times its size.
FROM ${BASE} AS archiver
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/duplicity \
    && /opt/duplicity/bin/pip install --no-cache-dir fasteners==0.20 \
    && /opt/duplicity/bin/pip install --no-cache-dir --no-deps duplicity==3.2.1 \
    && /opt/duplicity/bin/pip uninstall --yes setuptools pip

FROM base AS duplicity
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 rsync openssh-client gpg gpg-agent util-linux \
    && rm -rf /var/lib/apt/lists/*
COPY --from=archiver /opt/duplicity /opt/duplicity
ENV PATH=/opt/duplicity/bin:$PATH PYTHONDONTWRITEBYTECODE=1
COPY --from=build /app/dist/agent/main.mjs ./agent.mjs
USER 65532:65532
ENTRYPOINT ["node", "/app/agent.mjs"]
