"""One service: ingest, storage, query and the API."""
