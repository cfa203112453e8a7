"""What agent ids, device ids and tag paths may look like."""

import pytest

from schemas.sample import name_problem, path_problem, segments


@pytest.mark.parametrize("name", ["a", "gw-press-01", "A.b_c-9", "x" * 64])
def test_takes_plain_names(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a/b", "+", "#", "温", "a\n"])
def test_refuses_other_names(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("path", ["a", "杭州/冲压 1/电机", "a/" * 11 + "a", "x" * 100, "a..b/-_.", "$SYS/a"])
def test_takes_printable_paths(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("", "empty level"),
        ("a//b", "empty level"),
        ("/a", "empty level"),
        ("a/", "empty level"),
        ("a*b", "'*'"),
        ("a?b", "'?'"),
        ("a#b", "'#'"),
        ("a+b", "'+'"),
        ("a\nb", r"'\n'"),
        ("a\x00b", r"'\x00'"),
        ("a\u200bb", r"'\u200b'"),
        ("a\u202eb", r"'\u202e'"),
        ("e\u0301", "normal form"),
        ("x" * 101, "101 characters"),
        ("a/" * 12 + "a", "13 levels"),
    ],
)
def test_says_what_is_wrong_with_a_path(path: str, named: str) -> None:
    problem = path_problem(path)
    assert problem is not None
    assert named in problem


def test_segments_are_the_levels() -> None:
    assert segments("a/b c/d") == ("a", "b c", "d")
