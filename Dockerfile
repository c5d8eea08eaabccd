# syntax=docker/dockerfile:1
#
#   docker build -t ackdrop .                                the proxy, and `run`, `exec`, `verify` against a broker
#   docker build -t ackdrop:embedded --target embedded .     with a Java runtime and Apache Kafka's jars, for `run` alone
#   docker build -t ackdrop --build-arg EXTRAS=control,confluent-kafka .
#
# See docs/in-containers.md.

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
# The base image is pinned by its tag; a compiler that is left behind with this stage need not be.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/* \
 && python -m venv /opt/ackdrop
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY proxy ./proxy
COPY scenarios ./scenarios
ARG EXTRAS=control
RUN /opt/ackdrop/bin/pip install --no-cache-dir ".[${EXTRAS}]" \
 && /opt/ackdrop/bin/python -c "from ackdrop.core.scan import COMPILED; assert COMPILED, 'the loop was not compiled'" \
 && /opt/ackdrop/bin/pip uninstall --yes pip

FROM build AS build-embedded
RUN python -m pip --python /opt/ackdrop/bin/python install --no-cache-dir ".[embedded]"
ENV ACKDROP_CACHE=/opt/ackdrop/cache
RUN /opt/ackdrop/bin/python -c "import trio; from ackdrop.broker.jars import provide; trio.run(provide)"

FROM python:${PYTHON}-slim AS runtime
RUN groupadd --gid 10001 ackdrop \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/ackdrop --create-home --shell /usr/sbin/nologin ackdrop
ENV PATH=/opt/ackdrop/bin:$PATH \
    ACKDROP_OUT=/var/lib/ackdrop/runs \
    XDG_RUNTIME_DIR=/var/lib/ackdrop/run \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/ackdrop
# Runs and the control API's token are kept here. Numbers, so that Kubernetes can see that it is not root.
RUN mkdir -m 0700 runs run && chown 10001:10001 runs run
USER 10001:10001
VOLUME ["/var/lib/ackdrop/runs"]
# The proxy; one port for each broker; /health and /metrics. The control API stays inside.
EXPOSE 19092 19093-19099 9192
# Asks for /health of --metrics. For verbs that end by themselves: docker run --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9192/health', timeout=2)"]
ENTRYPOINT ["ackdrop"]
CMD ["proxy", "--listen", "0.0.0.0:19092", "--ports", "19093-19099", "--metrics", "0.0.0.0:9192"]

FROM runtime AS embedded
COPY --from=build-embedded /opt/ackdrop /opt/ackdrop
ENV ACKDROP_CACHE=/opt/ackdrop/cache
HEALTHCHECK NONE
CMD ["run", "lost-ack", "--broker", "embedded"]

# The last one is what is built where no target is named: without Java.
FROM runtime AS proxy
COPY --from=build /opt/ackdrop /opt/ackdrop
