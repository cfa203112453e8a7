"""Problem documents: stable type, field, value, allowed; and nothing of the inside."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cloud_api import problems
from cloud_api.middleware import LimitBody
from cloud_api.problems import Kinds, Problem, document, from_validation, in_body, parameter_invalid


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(ge=1, le=5)
    name: str


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str
    password: SecretStr


class Filter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: str = "open"
    from_: str = Field(default="", alias="from")


def make_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(LimitBody, max_bytes=1000)

    @app.get("/items")
    async def items(limit: Annotated[int, Query(ge=1, le=10)] = 5) -> int:
        return limit

    @app.post("/items")
    async def create(body: Body) -> int:
        return body.count

    @app.post("/login")
    async def login(body: Login) -> str:
        return body.user

    @app.get("/filtered")
    async def filtered(asked: Annotated[Filter, Query()]) -> str:
        return asked.state

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("password=hunter2 host=db.internal")

    return app


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


def told(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:millstream:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


async def test_a_parameter_out_of_range(client: httpx.AsyncClient):
    body = told(await client.get("/items?limit=11"), 400, "parameter-invalid")
    assert (body["field"], body["value"], body["allowed"]) == ("limit", "11", "<= 10")


async def test_every_wrong_field_of_a_body(client: httpx.AsyncClient):
    body = told(await client.post("/items", json={"count": 9}), 422, "body-invalid")
    assert [each["field"] for each in body["errors"]] == ["count", "name"]


async def test_a_field_of_another_type(client: httpx.AsyncClient):
    body = told(await client.post("/items", json={"count": "many", "name": "a"}), 422, "body-invalid")
    assert (body["field"], body["value"], body["allowed"]) == ("count", "many", "a whole number")


async def test_a_field_that_is_not_known(client: httpx.AsyncClient):
    body = told(await client.post("/items", json={"count": 1, "name": "a", "cuont": 7}), 422, "body-invalid")
    assert (body["field"], body["value"], body["allowed"]) == ("cuont", 7, "count, name")


async def test_a_long_value_of_a_field_that_is_not_known(client: httpx.AsyncClient):
    body = told(await client.post("/items", json={"count": 1, "name": "a", "nam": "x" * 500}), 422, "body-invalid")
    assert body["value"] == "x" * 200 + "…"


async def test_a_parameter_that_is_not_known(client: httpx.AsyncClient):
    body = told(await client.get("/filtered?stat=all"), 400, "parameter-invalid")
    assert (body["field"], body["value"], body["allowed"]) == ("stat", "all", "state, from")


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        # Beside a secret, whatever the name.
        ("/login", {"user": "li", "password": "x", "remark": "hunter2"}),
        ("/login", {"user": "li", "pasword": "hunter2"}),
        # Where no secret belongs, by the name or by what is inside.
        ("/items", {"count": 1, "name": "a", "password": "hunter2"}),
        ("/items", {"count": 1, "name": "a", "Pasword": "hunter2"}),
        ("/items", {"count": 1, "name": "a", "mail_passwd": "hunter2"}),
        ("/items", {"count": 1, "name": "a", "api-key": "hunter2"}),
        ("/items", {"count": 1, "name": "a", "mail": [{"secret": "hunter2"}]}),
    ],
)
async def test_what_may_be_a_secret_does_not_come_back(
    client: httpx.AsyncClient, address: str, sent: dict[str, object]
):
    response = await client.post(address, json=sent)
    body = told(response, 422, "body-invalid")
    assert "hunter2" not in response.text
    unknown = next(each for each in body.get("errors", [body]) if each["allowed"])
    assert unknown["allowed"] in {"user, password", "count, name"}


async def test_a_body_that_is_no_json(client: httpx.AsyncClient):
    headers = {"Content-Type": "application/json"}
    told(await client.post("/items", content=b"{", headers=headers), 422, "body-invalid")


async def test_another_media_type(client: httpx.AsyncClient):
    body = told(await client.post("/items", data={"count": "1"}), 415, "media-type-unsupported")
    assert body["allowed"] == "application/json"


async def test_no_such_address(client: httpx.AsyncClient):
    told(await client.get("/nothing"), 404, "not-found")


async def test_no_such_method(client: httpx.AsyncClient):
    response = await client.delete("/broken")
    assert told(response, 405, "method-not-allowed")["allowed"] == "GET"
    assert response.headers["allow"] == "GET"


async def test_a_body_too_large(client: httpx.AsyncClient):
    told(await client.post("/items", json={"count": 1, "name": "x" * 2000}), 413, "body-too-large")


async def test_a_body_that_grows_too_large(client: httpx.AsyncClient):
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield b" " * 100

    headers = {"Content-Type": "application/json"}
    told(await client.post("/items", content=pieces(), headers=headers), 413, "body-too-large")


async def test_an_error_of_ours_shows_nothing_of_the_inside(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
):
    response = await client.get("/broken")
    told(response, 500, "internal")
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    assert "hunter2" in caplog.text


def test_long_values_are_shortened():
    shown = document(parameter_invalid("path", "x" * 10_000, "is long", "less"))["value"]
    assert len(shown) < 300


def test_types_are_unique_and_every_kind_has_a_title():
    names = [kind.value.name for kind in Kinds]
    assert len(set(names)) == len(names)
    assert all(kind.value.title and 400 <= kind.value.status < 600 for kind in Kinds)


def test_a_value_in_a_body_is_said_to_be_in_the_body():
    with pytest.raises(Problem) as caught, in_body():
        raise parameter_invalid("from", "x", "is no instant", "an instant")
    assert caught.value.kind is Kinds.BODY_INVALID.value
    assert caught.value.fields[0].field == "from"


def test_a_secret_does_not_come_back():
    for error in (
        {"type": "string_type", "loc": ("body", "password"), "msg": "no text", "input": ["hunter2"]},
        {"type": "string_type", "loc": ("body", "name"), "msg": "no text", "input": {"x": [{"Password": "hunter2"}]}},
        {"type": "extra_forbidden", "loc": ("body", "pasword"), "msg": "not known", "input": "hunter2"},
        {"type": "model_attributes_type", "loc": ("body",), "msg": "no object", "input": ["hunter2"]},
    ):
        said = document(from_validation([error]))
        assert "hunter2" not in str(said)
        assert said["field"]
    plain = {"type": "int_parsing", "loc": ("query", "limit"), "msg": "no number", "input": "many"}
    assert document(from_validation([plain]))["value"] == "many"


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"name": "\xe9"}', b"[" * 900], ids=["no text", "latin 1", "deep"])
async def test_a_body_that_is_no_json_is_refused_as_content(client: httpx.AsyncClient, body: bytes):
    answer = await client.post("/items", content=body, headers={"Content-Type": "application/json"})
    told(answer, 422, "body-invalid")
