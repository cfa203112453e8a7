"""Which members a body may have at one place: through models, lists, mappings and unions."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from cloud_api.members import Place, Step, place_of


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Limit(Strict):
    kind: Literal["limit"] = "limit"
    hi: float = 0


class Rate(Strict):
    kind: Literal["rate"] = "rate"
    per: str = "second"


class Mail(Strict):
    host: str = ""
    password: SecretStr | None = None


class Body(Strict):
    from_: str = Field(default="", alias="from")
    condition: Annotated[Limit | Rate, Field(discriminator="kind")] = Limit()
    loose: Limit | int = 0
    maybe: Limit | None = None
    many: list[Annotated[Rate, Field()]] = []
    named: dict[str, Rate] = {}
    pair: tuple[Limit, Rate] | None = None
    mail: Mail | None = None


WHOLE = ("from", "condition", "loose", "maybe", "many", "named", "pair", "mail")


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({"fron": 1}, WHOLE),
        ({"condition": {"kind": "rate", "hi": 3}}, ("kind", "per")),
        ({"loose": {"hj": 1}}, ("kind", "hi")),
        ({"maybe": {"hj": 1}}, ("kind", "hi")),
        ({"many": [{}, {"pre": 1}]}, ("kind", "per")),
        ({"named": {"a": {"pre": 1}}}, ("kind", "per")),
        ({"pair": [{"hj": 1}, {}]}, ("kind", "hi")),
        ({"pair": [{}, {"pre": 1}]}, ("kind", "per")),
        ({"mail": {"hots": ""}}, ("host", "password")),
    ],
)
def test_the_place_that_pydantic_names(body: dict[str, object], members: tuple[str, ...]):
    with pytest.raises(ValidationError) as refused:
        Body.model_validate(body)
    error = next(each for each in refused.value.errors() if each["type"] == "extra_forbidden")
    assert place_of(Body, error["loc"][:-1]).members == members


@pytest.mark.parametrize("path", [("nowhere",), ("from", "deeper"), ("many", 0, "kind", 1)])
def test_nothing_is_known_of_a_place_that_is_not_there(path: tuple[Step, ...]):
    assert place_of(Body, path) == Place()


def test_lists_and_unions_of_bodies():
    assert place_of(list[Limit], (0,)).members == ("kind", "hi")
    assert place_of(Limit | Rate, ()).members == ("kind", "hi", "per")
    assert place_of(None, ()) == Place()


def test_a_place_holds_secrets_where_it_or_what_it_hangs_in_has_one():
    class Server(Strict):
        ports: list[Limit] = []
        token: SecretStr = SecretStr("")

    assert place_of(Mail, ()).holds_secrets
    assert place_of(Server, ("ports", 0)).holds_secrets
    assert not place_of(Body, ("maybe",)).holds_secrets
