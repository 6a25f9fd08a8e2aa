# Shunt as one image, built by ./dev as on any machine: it needs Debian's archive and npm's registry, nothing else.
# Where npm needs settings or an authority of yours, give it both (neither gets into the image):
#   docker build -t shunt --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY dev package.json package-lock.json .npmrc ./
COPY tools/node tools/node
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi && ./dev setup build
COPY bpf bpf
COPY native native
RUN ./dev build && npm prune --omit=dev --offline

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends iproute2 libbpf1 libmnl0 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
    && useradd --system --user-group --no-create-home shunt \
    && install -d -o shunt -g shunt /var/lib/shunt \
    && ln -s /opt/shunt/cli/shunt.js /usr/local/bin/shunt
COPY --from=build /usr/local/bin/node /usr/local/bin/
WORKDIR /opt/shunt
COPY --from=build /src/node_modules node_modules
COPY . .
COPY --from=build /src/native/build/Release/shunt.node native/build/Release/
COPY --from=build /src/bpf/build bpf/build
# What is compiled is kept for the user that it is for, who can read it and put nothing there.
RUN install -d -o shunt .cache/compiled \
    && setpriv --reuid shunt --regid shunt --clear-groups node tools/compile.js >/dev/null \
    && chown -R root:root .cache/compiled \
    && chmod -R go=rX .cache/compiled
USER shunt
CMD ["shunt", "--help"]
