"""Keys: their form, their proof, their silence in logs; and roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.auth.principal import read_bearer
from cloud_api.auth.tokens import Token, hash_secret, is_proved, make_token, parse_token
from cloud_api.problems import Problem

TOKEN = make_token(lambda count: bytes(range(count)))


def test_a_key_reads_back():
    assert str(TOKEN) == "ms_0001020304_" + bytes(range(32)).hex()
    assert parse_token(str(TOKEN)) == TOKEN


@given(st.text())
def test_other_text_is_no_key(text: str):
    assert parse_token(text) is None


@pytest.mark.parametrize("text", [str(TOKEN) + "\n", str(TOKEN).upper(), str(TOKEN)[:-1], "ms__", " " + str(TOKEN)])
def test_nearly_a_key_is_no_key(text: str):
    assert parse_token(text) is None


def test_only_the_right_secret_is_proof():
    assert is_proved(TOKEN, hash_secret(TOKEN))
    assert not is_proved(Token(TOKEN.prefix, "0" * 64), hash_secret(TOKEN))
    assert not is_proved(TOKEN, None)
    assert not is_proved(TOKEN, b"")


def test_a_key_in_a_log_shows_no_secret():
    assert TOKEN.secret not in repr(TOKEN)


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer  ", str(TOKEN)])
def test_without_a_bearer_key_the_way_in_is_said(header: str | None):
    with pytest.raises(Problem) as caught:
        read_bearer(header)
    assert caught.value.kind.status == 401
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer realm="millstream"'


def test_the_scheme_has_no_case():
    assert read_bearer("bEARER x") == "x"
