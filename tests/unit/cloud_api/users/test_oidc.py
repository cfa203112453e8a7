"""Log-in by an identity provider, the parts without network: attempts, return addresses, rules, claims."""

from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.auth.roles import Role
from cloud_api.environment import SettingsInvalid
from cloud_api.login_settings import LoginEnvironment, OidcSettings, is_safe_address
from cloud_api.users.models import user_name_problem
from cloud_api.users.oidc.attempt import LASTS_S, LoginAttempt, begin, find, is_return_path
from cloud_api.users.oidc.claims import GroupsElsewhere, claim_at, display_name, groups, user_name
from cloud_api.users.oidc.pages import onward
from cloud_api.users.oidc.rules import Rule, grant_of, read_rules

NOW_S = 1_800_000_000
RANKS = [Role.VIEWER, Role.OPERATOR, Role.ENGINEER]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**11))
def test_an_attempt_comes_back_whole_and_no_other_state_finds_it(secret: bytes, began_s: int):
    attempt = LoginAttempt(secret.hex(), began_s, "/console")
    cookies = {attempt.cookie_name: attempt.cookie}
    assert find(attempt.state, cookies) == attempt
    assert find(attempt.state[:-1] + "g", cookies) is None
    flipped = attempt.state[:-1] + ("0" if attempt.state[-1] != "0" else "1")
    assert find(flipped, cookies) is None
    assert len({attempt.state, attempt.nonce, attempt.verifier, attempt.challenge, attempt.secret}) == 5
    assert 43 <= len(attempt.verifier) <= 128


def test_an_attempt_is_over_after_ten_minutes_and_before_it_began():
    attempt = begin(bytes, NOW_S + 0.9, "/")
    instants = (NOW_S - LASTS_S - 1, NOW_S, NOW_S + LASTS_S, NOW_S + LASTS_S + 1)
    assert [attempt.is_over(now_s) for now_s in instants] == [True, False, False, True]


@given(st.text(st.sampled_from("/\\.:@?#%ab\t\n\r \x00é"), max_size=12) | st.text(max_size=40))
def test_no_return_address_leads_elsewhere(path: str):
    if not is_return_path(path):
        return
    # As browsers do: backslashes are slashes, tabs and line ends are not there.
    seen = path.replace("\\", "/")
    assert urlsplit(urljoin("https://here.example/a/b", seen)).netloc == "here.example"
    assert not set(seen) & set("\t\n\r \x00")
    page = onward(path)
    assert page.count("<a ") == page.count("<meta http-equiv") == 1
    assert "<script" not in page


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.plant.example/realms/x", True),
        ("http://127.0.0.1:9000", True),
        ("http://[::1]:9000/", True),
        ("http://localhost", True),
        ("http://id.plant.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://user@id.example", False),
        ("https://id.example?x=1", False),
        ("https://id.example:99999", False),
        ("javascript:alert(1)", False),
        ("https://", False),
    ],
)
def test_secrets_travel_encrypted_or_not_at_all(url: str, is_safe: bool):
    assert is_safe_address(url) is is_safe


RULES = st.lists(
    st.builds(
        Rule,
        group=st.sampled_from("abc"),
        role=st.sampled_from(RANKS),
        reach=st.lists(st.sampled_from(["x/**", "y/**", "z"]), min_size=1, max_size=2).map(tuple),
    ),
    max_size=6,
)


@given(RULES, st.sets(st.sampled_from("abcd")))
def test_nobody_gets_a_role_where_no_rule_of_his_gives_it(rules: list[Rule], mine: set[str]):
    grant = grant_of(rules, mine)
    fitting = [rule for rule in rules if rule.group in mine]
    assert (grant is None) == (not fitting)
    for glob in () if grant is None else grant.reach:
        assert any(rule.role == grant.role and glob in rule.reach for rule in fitting if grant)


def test_everybody_is_a_group_too():
    rules = [Rule(group="a", role=Role.ENGINEER), Rule(group="*", role=Role.VIEWER, reach=("x/**",))]
    assert [grant_of(rules, mine) and grant_of(rules, mine).role for mine in ((), ("a",))] == ["viewer", "engineer"]  # type: ignore[union-attr]


def test_groups_of_every_form():
    assert groups({"groups": ["a", 7, None]}, "groups") == {"a"}
    assert groups({"groups": "a"}, "groups") == {"a"}
    assert groups({"realm_access": {"roles": ["r"]}}, "realm_access.roles") == {"r"}
    assert groups({"realm_access.roles": ["r"]}, "realm_access.roles") == {"r"}
    assert (
        groups({"realm_access": ["r"]}, "realm_access.roles")
        == groups({}, "groups")
        == groups({"groups": {}}, "groups")
    )
    for moved in ({"_claim_names": {"groups": "src1"}}, {"hasgroups": True}):
        with pytest.raises(GroupsElsewhere):
            groups(moved, "groups")
    assert claim_at({"a": {"b": None}}, "a.b.c") is None


@given(st.dictionaries(st.sampled_from(["preferred_username", "email", "sub"]), st.text(max_size=90) | st.integers()))
def test_names_are_names_or_there_is_none(claims: dict[str, Any]):
    name = user_name(claims, "preferred_username")
    assert name is None or user_name_problem(name) is None


def test_names_as_providers_give_them():
    assert user_name({"preferred_username": "Li Na"}, "preferred_username") == "Li-Na"
    assert user_name({"preferred_username": "@@", "email": "li@x.example"}, "preferred_username") == "li@x.example"
    assert user_name({"preferred_username": "王丽"}, "preferred_username") == "王丽"
    assert display_name({"name": "A\x00\nB "}) == "AB"
    assert display_name({"name": "  "}) is None


def settings(folder: Path, rules: str, **more: str) -> OidcSettings:
    """Read settings with these rules."""
    file = folder / "rules.toml"
    file.write_text(rules)
    (folder / "secret").write_text("s3cret\n")
    environ = {
        "OIDC_ISSUER": "https://id.example",
        "OIDC_CLIENT_ID": "millstream",
        "OIDC_CLIENT_SECRET_FILE": str(folder / "secret"),
        "OIDC_RULES_FILE": str(file),
    } | more
    env = LoginEnvironment({f"MILLSTREAM_{name}": value for name, value in environ.items()})
    login = env.login(None if more.get("no_address") else "https://plant.example")
    if env.problems:
        raise SettingsInvalid(env.problems)
    assert login.oidc is not None
    return login.oidc


def test_rules_are_read_and_all_that_is_wrong_is_told(tmp_path: Path):
    good = settings(tmp_path, '[[rule]]\ngroup = "g"\nrole = "viewer"\nreach = ["a/**"]')
    assert good.client_secret == "s3cret"
    assert read_rules(good) == (Rule(group="g", role=Role.VIEWER, reach=("a/**",)),)
    bad = ('group = "g"\nrole = "king"', 'group = "g"\nrole = "admin"\nreach = ["a/**"]', 'role = "viewer"\nx = 1')
    with pytest.raises(SettingsInvalid) as caught:
        read_rules(settings(tmp_path, "".join(f"[[rule]]\n{each}\n" for each in bad)))
    assert [f"rule {number}:" in str(problem) for number, problem in enumerate(caught.value.problems, 1)] == [True] * 3


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"OIDC_ISSUER": "http://id.example"}, "OIDC_ISSUER"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_SECRET_FILE": "/nowhere"}, "OIDC_CLIENT_SECRET_FILE"),
        ({"OIDC_RULES_FILE": ""}, "OIDC_RULES_FILE"),
        ({"OIDC_SCOPES": "profile"}, "OIDC_SCOPES"),
        ({"OIDC_PARAMETERS": "state=x"}, "OIDC_PARAMETERS"),
        ({"OIDC_LEEWAY_S": "6000"}, "OIDC_LEEWAY_S"),
        ({"no_address": "1"}, "PUBLIC_URL"),
        ({"LOCAL_LOGIN": "nobody"}, "LOCAL_LOGIN"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, more: dict[str, str], named: str):
    with pytest.raises(SettingsInvalid) as caught:
        settings(tmp_path, '[[rule]]\ngroup = "g"\nrole = "viewer"', **more)
    assert [problem.name for problem in caught.value.problems] == [f"MILLSTREAM_{named}"]


@pytest.mark.parametrize("rules", ["", "rule = 1", "[[rule]]\n[other]", "[["])
def test_files_that_are_no_rules(tmp_path: Path, rules: str):
    with pytest.raises(SettingsInvalid):
        settings(tmp_path, rules)


def test_passwords_are_not_shut_out_without_a_provider():
    env = LoginEnvironment({"MILLSTREAM_LOCAL_LOGIN": "break_glass"})
    env.login(None)
    assert [problem.name for problem in env.problems] == ["MILLSTREAM_LOCAL_LOGIN"]
