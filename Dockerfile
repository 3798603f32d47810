# The service in an image of its own. Build it where this file lies:
#
#   docker build --tag shopkeeper .
#
# EXTRAS names what is installed beside the service; without "torch" it serves every model that is no network.
# INDEX may name a package index with wheels of torch for processors only, which are a tenth of the size.

FROM python:3.12-slim AS build
ARG EXTRAS=serve,postgres,torch
ARG INDEX=
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/shopkeeper \
    && /opt/shopkeeper/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt \
        ${INDEX:+--extra-index-url "$INDEX"} ".[$EXTRAS]"

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin shopkeeper \
    && mkdir --parents /data /bundles \
    && chown shopkeeper /data
COPY --from=build /opt/shopkeeper /opt/shopkeeper
ENV PATH=/opt/shopkeeper/bin:$PATH \
    PYTHONUNBUFFERED=1
USER shopkeeper
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["shopkeeper"]
CMD ["serve", "/bundles/shop", "--host", "0.0.0.0", "--database", "/data/shop.db", \
     "--api-key-file", "/bundles/keys.txt"]
