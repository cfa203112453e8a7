"""Which role may what; the proof that a page of ours sent a request."""

import pytest

from cloud_api.auth.roles import PERMISSIONS, Permission, Role, is_enough
from cloud_api.auth.session_tokens import is_proof, is_session_token, make_session_token, proof_of


@pytest.mark.parametrize(
    ("role", "enough_for"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.OPERATOR, {Role.VIEWER, Role.OPERATOR}),
        (Role.MAINTENANCE, {Role.VIEWER, Role.OPERATOR, Role.MAINTENANCE}),
        (Role.ENGINEER, {Role.VIEWER, Role.OPERATOR, Role.MAINTENANCE, Role.ENGINEER}),
        (Role.AUDITOR, {Role.VIEWER, Role.AUDITOR}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_a_role_may_what_others_may(role: Role, enough_for: set[Role]):
    assert {needed for needed in Role if is_enough(role, needed)} == enough_for
    assert not is_enough(None, role)


def test_every_permission_is_somebodys_and_an_auditor_changes_nothing():
    assert PERMISSIONS[Role.ADMIN] == set(Permission)
    assert PERMISSIONS[Role.AUDITOR] == {Permission.READ, Permission.AUDIT}


def test_session_tokens_and_their_proof():
    token = make_session_token(lambda count: bytes(range(count)))
    assert is_session_token(token)
    for other in ("", token[:-1], token + "0", token.upper(), token.replace("mss_", "ms_")):
        assert not is_session_token(other)
    assert is_proof(token, proof_of(token))
    for wrong in (None, "", proof_of(token)[:-1], proof_of(token.replace("0", "1")), token):
        assert not is_proof(token, wrong)
