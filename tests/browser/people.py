"""People of a role and a reach, made by the demonstration's administrator, and their browsers."""

import secrets
from dataclasses import dataclass

import httpx

from tests.acceptance.demo import Demo


@dataclass(frozen=True)
class Person:
    """Who can log in."""

    name: str
    password: str


def make_person(demo: Demo, name: str, role: str, *reach: str) -> Person:
    """Make a user as an administrator does, and replace the password for one use as that person does."""
    api = demo.outcome["api"] + "/api/v1"
    admin = _logged_in(api, demo.outcome["user"], demo.outcome["password"])
    # Who tries a test again on the same plant has made this person before.
    name = f"{name}-{secrets.token_hex(3)}"
    body = {"name": name, "role": role, "reach": list(reach) or ["**"]}
    made = httpx.post(f"{api}/users", json=body, headers=admin, timeout=60)
    assert made.status_code == 201, made.text
    person = Person(name, secrets.token_urlsafe(16))
    change = {"old": made.json()["one_time_password"], "new": person.password}
    own = _logged_in(api, name, change["old"])
    changed = httpx.put(f"{api}/me/password", json=change, headers=own, timeout=60)
    assert changed.status_code == 204, changed.text
    return person


def _logged_in(api: str, name: str, password: str) -> dict[str, str]:
    answer = httpx.post(f"{api}/login", json={"name": name, "password": password}, timeout=60)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}
