"""The JSON Schemas of protocol v1; `python -m tests.contracts.json_schemas` writes schemas/jsonschema/."""

import json
from pathlib import Path

import msgspec

from schemas.ack import AckLayout
from schemas.agent_status import HealthMessage, StatusMessage
from schemas.batch_json import JsonBatch
from schemas.catalog import CatalogPart

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "jsonschema"
MESSAGES = {
    "batch.v1": JsonBatch,
    "ack.v1": AckLayout,
    "status.v1": StatusMessage,
    "health.v1": HealthMessage,
    "catalog.v1": CatalogPart,
}


def documents() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    made: dict[str, str] = {}
    for name, message in MESSAGES.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(message)
        made[f"{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return made


def main() -> None:
    """Write every schema anew."""
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
