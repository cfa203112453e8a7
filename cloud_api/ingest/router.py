"""HTTP doors of ingest: batches, simple samples, and what was put aside."""

import hashlib
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.auth.access import Feeder, PoolOf, Viewer, WholeEngineer, refusals, role_line
from cloud_api.auth.roles import Role, Scope
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.ingest.answers import encode_reject_page, encode_result, join_results, refusal
from cloud_api.ingest.incoming import ByHand
from cloud_api.ingest.mapping import Mapping
from cloud_api.ingest.models import PostedSample, RejectPage, Stored
from cloud_api.ingest.posted import read_samples
from cloud_api.ingest.results import BatchResult, IngestOverloaded, NotOwner, RejectMissing, RejectReplayed
from cloud_api.problems import FieldProblem, Kinds, Problem, in_body, media_type_unsupported, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.findings import NEWEST, RejectFilter, select_reject_page
from cloud_api.storage.idempotency import (
    insert_idempotency,
    select_idempotency,
    update_idempotency_answer,
)
from cloud_api.storage.pool import Pool, transaction
from schemas.errors import BatchTooLarge
from schemas.sample import Sample

# Samples that applications post belong to this source; no agent can have such a name.
POSTED_SOURCE = "@api"
BATCH_TYPES = (
    "application/octet-stream",
    "application/msgpack",
    "application/vnd.msgpack",
    "application/x-msgpack",
    "application/zstd",
    "application/json",
)
TAKES = (
    Kinds.BODY_INVALID,
    Kinds.CONFLICT,
    Kinds.BODY_TOO_LARGE,
    Kinds.MEDIA_TYPE_UNSUPPORTED,
    Kinds.INGEST_UNAVAILABLE,
)

router = APIRouter(tags=["ingest"])


class Doors(Protocol):
    """What the running ingest offers to HTTP."""

    def ingest_payloads(self, payloads: list[bytes], agent: str | None) -> Awaitable[list[BatchResult]]:
        """Take batches; returns after COMMIT."""
        ...

    def store_samples(self, source_agent: str, samples: list[Sample]) -> Awaitable[BatchResult]:
        """Take samples without a batch; returns after COMMIT."""
        ...

    def store_entry(self, sample: Sample, by_hand: ByHand) -> Awaitable[BatchResult]:
        """Take one sample that a person has entered; returns after COMMIT."""
        ...

    def replay_reject(self, reject_id: int, principal: str, mapping: Mapping | None = None) -> Awaitable[BatchResult]:
        """Try once more to store what was put aside, changed by a mapping; returns after COMMIT."""
        ...


def read_doors(request: Request) -> Doors:
    """Hand over the running ingest; a Problem where this process has none."""
    doors: Doors | None = request.state.ingest.doors
    if doors is None:
        raise Problem(Kinds.INGEST_UNAVAILABLE, "ingest does not run here, or not yet", headers={"Retry-After": "5"})
    return doors


DoorsOf = Annotated[Doors, Depends(read_doors)]


class Replayed(StrEnum):
    """Whether a listing shows rejects that were replayed."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


class RejectParameters(BaseModel):
    """Of GET /rejects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: str | None = Field(default=None, max_length=64)
    reason: str | None = Field(default=None, max_length=64, examples=["foreign_series"])
    replayed: Replayed = Replayed.INCLUDE
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


@router.post(
    "/ingest",
    response_model=Stored,
    responses=refusals(*TAKES),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in BATCH_TYPES[:-1]}
            | {"application/json": {"schema": {"type": "object"}}},
        }
    },
    description="One batch, as MQTT carries it (`MS1` header and MessagePack, plain or zstd) or in the JSON form. "
    "Answers after COMMIT; the same (agent, epoch, seq) again changes nothing."
    + role_line(Role.ENGINEER, Scope.INGEST),
)
async def ingest_batch(request: Request, _caller: Feeder, doors: DoorsOf) -> Response:
    """Take one batch."""
    _check_type(request, BATCH_TYPES)
    payload = await request.body()
    with told():
        (result,) = await doors.ingest_payloads([payload], None)
    if (problem := refusal(result)) is not None:
        raise problem
    return _json(encode_result(result))


@router.post(
    "/samples",
    response_model=Stored,
    responses=refusals(*TAKES, Kinds.IDEMPOTENCY_KEY_REUSED),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": PostedSample.model_json_schema(), "maxItems": 20_000}
                }
            },
        }
    },
    description="Samples without an agent. With an `Idempotency-Key` a repeat gets the first answer, for a day."
    + role_line(Role.ENGINEER, Scope.INGEST),
)
async def post_samples(
    request: Request,
    caller: Feeder,
    doors: DoorsOf,
    pool: PoolOf,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] = None,
) -> Response:
    """Take samples."""
    _check_type(request, ("application/json",))
    body = await request.body()
    with in_body():
        samples = read_samples(body)
    if idempotency_key is None:
        with told():
            return _json(encode_result(await _store(doors, samples)))
    fingerprint = hashlib.blake2b(body, digest_size=32).digest()
    kept = await _claim(pool, caller.scope_of_keys, idempotency_key, fingerprint)
    if kept is None:
        with told():
            result = await _store(doors, samples)
        answer = msgspec.json.encode(encode_result(result))
        kept = await _keep(pool, caller.scope_of_keys, idempotency_key, answer)
    return Response(kept, media_type="application/json")


@router.get(
    "/rejects",
    response_model=RejectPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="What was put aside and why, newest first." + role_line(Role.VIEWER),
)
async def list_rejects(parameters: Annotated[RejectParameters, Query()], pool: PoolOf, _caller: Viewer) -> Response:
    """List rejects."""
    question = ("rejects", parameters.agent, parameters.reason, parameters.replayed.value)
    before = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
    reject_filter = RejectFilter(parameters.agent, parameters.reason, parameters.replayed is Replayed.EXCLUDE)
    async with pool.connection() as connection:
        rows = await select_reject_page(connection, reject_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].id, question) if len(rows) > len(page) else None
    return Response(encode_reject_page(page, cursor), media_type="application/json")


@router.post(
    "/rejects/{reject_id}/replay",
    response_model=Stored,
    responses=refusals(
        Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.BODY_INVALID, Kinds.INGEST_UNAVAILABLE
    ),
    description="Try once more to store what was put aside. Audited." + role_line(Role.ENGINEER),
)
async def replay_reject(
    reject_id: Annotated[int, Path(ge=1, le=NEWEST)], caller: WholeEngineer, doors: DoorsOf, pool: PoolOf
) -> Response:
    """Replay one reject."""
    with told(reject_id):
        result = await doors.replay_reject(reject_id, caller.name)
    answer = encode_result(result)
    async with transaction(pool) as connection:
        await insert_audit(connection, caller.name, "reject.replay", str(reject_id), answer)
    if (problem := refusal(result)) is not None:
        raise problem
    return _json(answer)


async def _store(doors: Doors, samples: list[Sample]) -> BatchResult:
    """Store posted samples; what is too much for one batch goes as two, each committed before the answer."""
    try:
        return await doors.store_samples(POSTED_SOURCE, samples)
    except BatchTooLarge:
        if len(samples) == 1:
            raise
    middle = len(samples) // 2
    return join_results(await _store(doors, samples[:middle]), await _store(doors, samples[middle:]))


async def _claim(pool: Pool, scope: str, key: str, fingerprint: bytes) -> bytes | None:
    """Take the key, or give the answer that it has. A claim without answer is from a request that did not finish."""
    async with transaction(pool) as connection:
        if await insert_idempotency(connection, scope, key, fingerprint):
            return None
        kept = await select_idempotency(connection, scope, key)
    if kept is None:
        return None
    if kept.fingerprint != fingerprint:
        detail = "this key came with another body before; a new body needs a new key"
        field = FieldProblem(field="Idempotency-Key", value=key, detail=detail, allowed="a key not used before")
        raise Problem(Kinds.IDEMPOTENCY_KEY_REUSED, detail, fields=[field])
    return kept.answer


async def _keep(pool: Pool, scope: str, key: str, answer: bytes) -> bytes:
    """Keep the answer and give it back; of two equal requests at once both get the first one's."""
    async with transaction(pool) as connection:
        return await update_idempotency_answer(connection, scope, key, 200, answer)


def _check_type(request: Request, allowed: tuple[str, ...]) -> None:
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if given not in allowed or encoding != "identity":
        shown = given if encoding == "identity" else f"{given} with Content-Encoding {encoding}"
        raise media_type_unsupported(shown, ", ".join(allowed))


@contextmanager
def told(reject_id: int | None = None) -> Generator[None]:
    """Turn what ingest says into problems."""
    try:
        yield
    except NotOwner as error:
        detail = "another process owns ingest at the moment, or none does yet"
        raise Problem(Kinds.INGEST_UNAVAILABLE, detail, headers={"Retry-After": "2"}) from error
    except IngestOverloaded as error:
        detail = "more samples are waiting than memory is meant for"
        raise Problem(Kinds.INGEST_UNAVAILABLE, detail, headers={"Retry-After": "5"}) from error
    except RejectMissing as error:
        raise not_found("reject", "reject_id", reject_id) from error
    except RejectReplayed as error:
        raise Problem(Kinds.CONFLICT, f"reject {reject_id} was replayed before") from error


def _json(answer: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
