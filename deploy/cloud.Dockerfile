# The cloud: ingest, storage and API. Build from the root of the repository.
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY requirements/demo.txt requirements/demo.txt
COPY schemas schemas
COPY connectors connectors
COPY edge_agent edge_agent
COPY cloud_api cloud_api
COPY millstream millstream
RUN python -m venv /opt/millstream \
    && /opt/millstream/bin/pip install --no-cache-dir --constraint requirements/demo.txt ".[cloud]"

FROM python:3.13-slim-bookworm
ENV PATH=/opt/millstream/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /var/lib/millstream --create-home --shell /usr/sbin/nologin millstream
COPY --from=build /opt/millstream /opt/millstream
USER millstream
WORKDIR /var/lib/millstream
ENTRYPOINT ["millstream"]
EXPOSE 8080
CMD ["cloud", "run"]
