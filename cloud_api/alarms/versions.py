"""Optimistic versions as callers send them: in If-Match, in the body, in both if they agree (pure)."""

from cloud_api.problems import body_invalid, parameter_invalid


def expected_version(if_match: str | None, in_body: int | None) -> int | None:
    """The version that the caller has seen; None when it does not matter. A Problem says what is wrong."""
    stated = _parse(if_match)
    if in_body is not None and stated is not None and in_body != stated:
        raise body_invalid("version", in_body, "is not the one of If-Match", "the same in both, or one of them")
    return stated if in_body is None else in_body


def _parse(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    digits = if_match.strip().removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise parameter_invalid("If-Match", if_match, "is not an ETag of this API", 'a version in quotes, as "7"')
    return int(digits)
