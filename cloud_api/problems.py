"""Errors to callers: RFC 9457 problem documents, one table of types, one place that turns errors into answers."""

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from cloud_api.field_problems import FieldProblem, field_problem, from_pydantic, shown

TYPE_PREFIX = "urn:millstream:problem:"
MEDIA_TYPE = "application/problem+json"
JSON_TYPES = ("application/json",)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its stable name, its HTTP status and its title."""

    name: str
    status: int
    title: str


class Kinds(Enum):
    """Every kind of problem that this API answers with."""

    BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read")
    PARAMETER_INVALID = Kind("parameter-invalid", 400, "A parameter has a value that is not allowed")
    CURSOR_INVALID = Kind("cursor-invalid", 400, "The cursor does not belong to this question")
    KEY_MISSING = Kind("key-missing", 401, "An API key is needed")
    KEY_INVALID = Kind("key-invalid", 401, "The API key is not valid")
    LOGIN_REFUSED = Kind("login-refused", 401, "This log-in is not accepted")
    SECOND_FACTOR_NEEDED = Kind("second-factor-needed", 401, "The second factor is needed as well")
    ROLE_INSUFFICIENT = Kind("role-insufficient", 403, "The caller's role does not allow this")
    PASSWORD_CHANGE_NEEDED = Kind("password-change-needed", 403, "The one-time password must be replaced first")
    OUTSIDE_REACH = Kind("outside-reach", 403, "This is for callers whose reach is not limited")
    SHARE_ENDED = Kind("share-ended", 403, "This share cannot be read now")
    FORGED_REQUEST = Kind("forged-request", 403, "The request does not prove that a page of this service sent it")
    NOT_FOUND = Kind("not-found", 404, "There is no such thing here")
    METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "This address does not answer that method")
    NOT_ACCEPTABLE = Kind("not-acceptable", 406, "This address does not answer in a format that you read")
    REQUEST_TIMEOUT = Kind("request-timeout", 408, "The request did not come in time")
    CONFLICT = Kind("conflict", 409, "The present state does not allow this")
    VERSION_CONFLICT = Kind("version-conflict", 409, "It has changed since you saw it")
    BODY_TOO_LARGE = Kind("body-too-large", 413, "The request's body is too large")
    MEDIA_TYPE_UNSUPPORTED = Kind("media-type-unsupported", 415, "The body's media type is not read here")
    BODY_INVALID = Kind("body-invalid", 422, "The request's content is not allowed")
    IDEMPOTENCY_KEY_REUSED = Kind("idempotency-key-reused", 422, "The idempotency key was used for another body")
    QUERY_TOO_LARGE = Kind("query-too-large", 422, "The query would read or return too much")
    LOGIN_LOCKED = Kind("login-locked", 429, "Log-ins with this name are not looked at for a while")
    SHARE_SPENT = Kind("share-spent", 429, "More rows than this share has left")
    TOO_MANY_REQUESTS = Kind("too-many-requests", 429, "Too many requests at once")
    INTERNAL = Kind("internal", 500, "Something went wrong in the service")
    IDENTITY_PROVIDER_UNAVAILABLE = Kind(
        "identity-provider-unavailable", 502, "The identity provider does not answer as it should"
    )
    DATABASE_UNAVAILABLE = Kind("database-unavailable", 503, "The database cannot be reached at the moment")
    INGEST_UNAVAILABLE = Kind("ingest-unavailable", 503, "Samples cannot be taken at the moment")
    QUERY_TIMEOUT = Kind("query-timeout", 504, "The query took too long and was cancelled")


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(examples=[TYPE_PREFIX + "parameter-invalid"])
    title: str
    status: int
    detail: str
    field: str | None = Field(default=None, description="The parameter or body field that is not allowed")
    value: Any = Field(default=None, description="The value that it had, shortened")
    allowed: str | None = Field(default=None, description="What would be allowed")
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem], description="Every field, when several")


class Problem(Exception):
    """A request is refused, with a reason that its caller can act on."""

    def __init__(
        self,
        kind: Kinds,
        detail: str,
        *,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind.value
        self.detail = detail
        self.fields = tuple(fields)
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def parameter_invalid(field: str, value: object, detail: str, allowed: str) -> Problem:
    """Refuse one parameter of the address."""
    return Problem(Kinds.PARAMETER_INVALID, f"{field} {detail}", fields=[field_problem(field, value, detail, allowed)])


def body_invalid(field: str, value: object, detail: str, allowed: str) -> Problem:
    """Refuse one field of the body."""
    return Problem(Kinds.BODY_INVALID, f"{field} {detail}", fields=[field_problem(field, value, detail, allowed)])


def media_type_unsupported(given: str, allowed: str) -> Problem:
    """Refuse a body by its media type."""
    detail = f"{given or 'a body without media type'} is not read here"
    return Problem(Kinds.MEDIA_TYPE_UNSUPPORTED, detail, fields=[field_problem("Content-Type", given, detail, allowed)])


@contextmanager
def in_body() -> Generator[None]:
    """Let refusals of values that came in a body be called so: the readers of values do not know where they stood."""
    try:
        yield
    except Problem as problem:
        if problem.kind is not Kinds.PARAMETER_INVALID.value:
            raise
        raise Problem(Kinds.BODY_INVALID, problem.detail, fields=problem.fields) from problem


def not_found(what: str, field: str, value: object) -> Problem:
    """Say that the thing that `field` names does not exist."""
    detail = f"there is no {what} {shown(value)!r}"
    return Problem(Kinds.NOT_FOUND, detail, fields=[field_problem(field, value, detail, None)])


def document(problem: Problem) -> dict[str, Any]:
    """Build the problem document; members without content are left out."""
    kind = problem.kind
    members: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.name,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
    }
    if problem.fields:
        first = problem.fields[0]
        members |= {"field": first.field, "value": first.value, "allowed": first.allowed}
    if len(problem.fields) > 1:
        members["errors"] = [field.model_dump() for field in problem.fields]
    return members | problem.more


def problem_responses(*kinds: Kinds) -> dict[int | str, dict[str, Any]]:
    """Describe for OpenAPI which problems an operation answers with, beside those that every operation has."""
    by_status: dict[int | str, list[Kind]] = {}
    for kind in sorted({*kinds, Kinds.INTERNAL}, key=lambda each: (each.value.status, each.value.name)):
        by_status.setdefault(kind.value.status, []).append(kind.value)
    return {
        status: {
            "model": ProblemDocument,
            "description": "; ".join(f"`{kind.name}`: {kind.title}" for kind in group),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status, group in by_status.items()
    }


def install(app: FastAPI) -> None:
    """Let every error leave `app` as a problem document."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, answer_unexpected)


def response(problem: Problem) -> Response:
    """Answer with the problem's document."""
    content = msgspec.json.encode(document(problem), enc_hook=str)
    return Response(content, status_code=problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error)


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: Sequence[Mapping[str, Any]] = error.errors()
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given not in JSON_TYPES and any(each["loc"][:1] == ("body",) for each in errors) and error.body:
        return response(media_type_unsupported(given, JSON_TYPES[0]))
    return response(from_validation(errors, *_types_of(request)))


def _types_of(request: Request) -> tuple[object, object]:
    """What the route that was asked takes: the type of its body, and of the parameters of its address."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return None, None
    body = route.body_field.field_info.annotation if route.body_field else None
    models = [each.field_info.annotation for each in route.dependant.query_params]
    return body, models[0] if len(models) == 1 else None


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return response(error.__cause__)
    if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(error.__cause__, ValueError | RecursionError):
        # FastAPI says so of bytes that are no text and of JSON that is nested too deeply.
        return response(Problem(Kinds.BODY_INVALID, "the body is not JSON in UTF-8, or nested too deeply"))
    return response(_from_http(request, error))


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer what is a fault of the service: the log has it, the caller learns nothing of its inside."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return response(Problem(Kinds.INTERNAL, "the service's log has the details"))


def from_validation(errors: Sequence[Mapping[str, Any]], whole: object = None, query: object = None) -> Problem:
    """Turn pydantic's list of errors into one problem that names every field.

    Args:
        errors: as pydantic gives them.
        whole: the type of the body.
        query: the type of the parameters of the address, where they are one model.
    """
    fields = [from_pydantic(error, query if error["loc"][:1] == ("query",) else whole) for error in errors]
    is_body = any(error["loc"][:1] == ("body",) for error in errors)
    kind = Kinds.BODY_INVALID if is_body else Kinds.PARAMETER_INVALID
    detail = "; ".join(f"{field.field}: {field.detail}" for field in fields[:5])
    return Problem(kind, detail, fields=fields)


def _from_http(request: Request, error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem(Kinds.NOT_FOUND, "nothing answers at this address")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "")
        fields = [field_problem("method", request.method, "is not answered here", allowed)]
        return Problem(Kinds.METHOD_NOT_ALLOWED, f"allowed: {allowed}", fields=fields, headers=headers)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Problem(Kinds.BODY_TOO_LARGE, "the body is larger than this service reads", headers=headers)
    if error.status_code == HTTPStatus.REQUEST_TIMEOUT:
        return Problem(Kinds.REQUEST_TIMEOUT, str(error.detail), headers=headers | {"Connection": "close"})
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(Kinds.INTERNAL, "the service's log has the details")
    return Problem(Kinds.BAD_REQUEST, str(error.detail), headers=headers)
