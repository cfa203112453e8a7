"""Which passwords are taken, how they are hashed, what those for one use look like; time-based codes."""

import random
import re

import pytest

from cloud_api.users.passwords import Passwords, one_time_password, password_problem
from cloud_api.users.second_factor import matching_step, new_recovery_codes, recovery_hash, setup_uri

# RFC 6238 appendix B, SHA-1: the secret is the ASCII text 12345678901234567890; the last six of its eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(
    "password", ["", "short", "password123", "qwertyuiop", "millstream", "wang.li1985", "aaaaaaaaaaaa", "x" * 257]
)
def test_passwords_that_are_easy_to_guess_are_refused(password: str):
    assert password_problem(password, ("wang.li", "millstream"))


@pytest.mark.parametrize("password", ["kettle-orbit-anvil-73", "注塑车间的第三台机器很热", "x7$Lq!92vTz" * 20])
def test_passwords_that_are_hard_to_guess_are_taken(password: str):
    assert password_problem(password, ("wang.li", "millstream")) is None


def test_one_time_passwords_are_readable_and_differ():
    made = {one_time_password(random.Random(seed).choice) for seed in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}", password) for password in made)
    assert not any(password_problem(password, ()) for password in made)


async def test_hashes_are_argon2id_and_verify():
    passwords = Passwords()
    kept = await passwords.hash("caf\u00e9 caf\u00e9 caf\u00e9")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.is_right(kept, "cafe\u0301 cafe\u0301 cafe\u0301"), "the same letters, typed elsewhere"
    assert not await passwords.is_right(kept, "cafe cafe cafe")
    assert not await passwords.is_right(None, "nobody has this password")
    assert not await passwords.is_right("no hash at all", "x")
    assert not passwords.is_outdated(kept)
    assert passwords.is_outdated(kept.replace("t=3", "t=1"))


@pytest.mark.parametrize("now_s", RFC_CODES)
def test_codes_are_those_of_rfc_6238(now_s: int):
    code = RFC_CODES[now_s]
    for later in (-30, 0, 30):
        assert matching_step(RFC_SECRET, code, now_s + later) == now_s // 30
    assert matching_step(RFC_SECRET, code, now_s + 90) is None
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", now_s) == now_s // 30


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "-12345", "１２３４５６"])
def test_what_is_no_code_is_none(code: str):
    assert matching_step(RFC_SECRET, code, 59) is None


def test_recovery_codes_and_the_address_for_the_telephone():
    codes = new_recovery_codes(random.Random(1).randbytes)
    assert len(set(codes)) == 10
    assert recovery_hash(f" {codes[0].upper()} ") == recovery_hash(codes[0])
    assert setup_uri(RFC_SECRET, "王丽").startswith("otpauth://totp/Millstream:%E7%8E%8B%E4%B8%BD?secret=GEZDG")
