"""The API's description: pinned, complete, and true about keys, roles and refusals.

After a wanted change: `python -m tests.contracts.test_openapi` writes the pinned description anew.
"""

import json
from pathlib import Path
from typing import Any

from cloud_api.app import create_app
from cloud_api.auth.roles import Role as KeyRole
from cloud_api.openapi import operations
from cloud_api.problems import MEDIA_TYPE, Kinds
from cloud_api.settings import Role, read_settings

GOLDEN = Path(__file__).with_name("openapi.json")
OPEN = {"get_live", "get_ready", "login", "list_login_doors", "begin_oidc", "finish_oidc"}
# What everybody may do who has proved who he is.
FOR_ALL = ("For every user.", "For every caller.", "Needs a key of a share, and nothing else will do.")


def describe() -> dict[str, Any]:
    settings = read_settings({"MILLSTREAM_DATABASE_URL": "postgresql://nobody@nowhere/none"}, frozenset({Role.API}))
    document = create_app(settings, frozenset({Role.API})).openapi()
    document["info"]["version"] = "*"  # a release alone changes no contract
    return document


def test_the_description_is_the_pinned_one():
    assert describe() == json.loads(GOLDEN.read_text()), "the API changed; if that was wanted, see this file's head"


def test_every_operation_but_health_states_its_key_and_role():
    for operation in operations(describe()):
        if operation["operationId"] in OPEN:
            assert "No key needed" in operation["description"]
            continue
        assert {"401", "403"} <= set(operation["responses"]), operation["operationId"]
        stated = [role for role in KeyRole if f"the role `{role}`" in operation["description"]]
        stated += [words for words in FOR_ALL if words in operation["description"]]
        assert len(stated) == 1, operation["operationId"]


def test_every_refusal_is_a_problem_document():
    known = {kind.value.name: kind.value.status for kind in Kinds}
    seen: set[str] = set()
    for operation in operations(describe()):
        for status, response in operation["responses"].items():
            if int(status) < 400 or operation["operationId"] == "get_ready":
                continue
            assert list(response["content"]) == [MEDIA_TYPE], (operation["operationId"], status)
            names = [part.split("`")[1] for part in response["description"].split("; ")]
            assert names, (operation["operationId"], status)
            assert all(known[name] == int(status) for name in names)
            seen |= set(names)
    # These answer at addresses that are no operation, or before there is a body to look at.
    elsewhere = {"method-not-allowed", "bad-request", "request-timeout"}
    assert seen | elsewhere == set(known)


def test_whatever_lists_by_a_path_glob_takes_an_asset_too():
    for operation in operations(describe()):
        parameters = {each["name"]: each for each in operation.get("parameters", []) if each["in"] == "query"}
        if "glob" in parameters.get("path", {}).get("description", "").lower():
            assert "asset" in parameters, operation["operationId"]
        if "asset" in parameters:
            # There may be none of that path.
            assert "404" in operation["responses"], operation["operationId"]


def test_every_parameter_and_body_is_described():
    for operation in operations(describe()):
        (answer,) = (
            response.get("content", {}) for status, response in operation["responses"].items() if status < "400"
        )
        assert all(form == {} or "schema" in form for form in answer.values())
        for parameter in operation.get("parameters", []):
            assert "schema" in parameter
            if parameter["name"] == "limit":
                choices = parameter["schema"].get("anyOf", [parameter["schema"]])
                assert max(each["maximum"] for each in choices if each["type"] == "integer") <= 100_000


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(describe(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
