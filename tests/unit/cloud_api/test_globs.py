"""Path globs: levels, exactness, and no character that means something to a pattern or to SQL."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.globs import below, either, parse_glob, within
from cloud_api.problems import Problem
from schemas.sample import path_problem

SEGMENTS = st.text(min_size=1, max_size=8).map(lambda text: unicodedata.normalize("NFC", text))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join).filter(lambda path: path_problem(path) is None)


@pytest.mark.parametrize(
    ("glob", "path", "is_meant"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
        ("a/b", "a/b/c", False),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*", "a", False),
        ("a/**", "a", True),
        ("a/**", "a/b/c", True),
        ("a/**", "ab", False),
        ("**", "a/b", True),
        ("**/c", "c", True),
        ("**/c", "a/b/c", True),
        ("**/c", "a/b/xc", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/x/y/c", True),
        ("a/**/c", "a/x/yc", False),
        ("**/b/**", "a/b/c", True),
        ("**/b/**", "b", True),
        ("*/x", "a/x", True),
        ("*/x", "a/b/x", False),
        ("press-*", "press-03", True),
        ("press-*", "press-03/x", False),
        ("p*-0*", "press-03", True),
        ("a%", "a%", True),
        ("a%", "ab", False),
        ("a_", "ab", False),
        ("a.c", "abc", False),
        ("a\\d", "a\\d", True),
        ("a\\d", "a1", False),
        ("[a]", "a", False),
        ("(a|b)", "a", False),
        ("{a}$^", "{a}$^", True),
        ("杭州/*/温度", "杭州/冲压/温度", True),
        ("杭州/*/温度", "杭州/温度", False),
        ("A/b", "a/b", False),
    ],
)
def test_means(glob: str, path: str, is_meant: bool):
    parsed = parse_glob(glob)
    assert parsed.matches(path) is is_meant
    if is_meant:
        assert parsed.from_path.encode() <= path.encode() < parsed.to_path.encode()


@given(PATHS)
def test_a_path_means_itself_alone(path: str):
    glob = parse_glob(path)
    assert glob.matches(path)
    assert not glob.matches(path + "x")
    assert not glob.matches("x" + path)


@given(PATHS, st.data())
def test_every_star_keeps_the_path_and_its_range(path: str, data: st.DataObject):
    levels = path.split("/")
    index = data.draw(st.integers(0, len(levels) - 1))
    starred = data.draw(st.sampled_from(["*", "**", levels[index][:1] + "*", "*" + levels[index][-1:]]))
    glob = parse_glob("/".join([*levels[:index], starred, *levels[index + 1 :]]))
    assert glob.matches(path)
    assert glob.from_path.encode() <= path.encode() < glob.to_path.encode()


def test_the_other_normal_form_means_the_same():
    assert parse_glob(unicodedata.normalize("NFD", "façade/*")).matches("façade/x")


@pytest.mark.parametrize(
    "glob", ["", "a//b", "/a", "a/", "a?", "a/#", "+/b", "a**", "**b/c", "a\nb", "a\0", "x" * 2000]
)
def test_refuses(glob: str):
    with pytest.raises(Problem) as caught:
        parse_glob(glob)
    assert caught.value.kind.status == 400
    assert caught.value.fields[0].allowed


def test_refuses_many_double_stars():
    with pytest.raises(Problem):
        parse_glob("/".join(["**"] * 5))


@given(PATHS, PATHS)
def test_below_means_every_deeper_path_and_no_other(path: str, other: str):
    glob = below(path)
    assert glob.matches(f"{path}/{other}")
    assert not glob.matches(path)
    assert glob.matches(other) is other.startswith(f"{path}/")
    inside = f"{path}/{other}"
    assert glob.from_path.encode() <= inside.encode() < glob.to_path.encode()


@pytest.mark.parametrize("inner", ["**", "*/b/**", "**/c", "a/b/c", "a/*", "x/**", "a/b"])
@pytest.mark.parametrize("path", ["a/b/c", "a/b", "a/bc", "a/x/c", "x/b/c", "a"])
def test_within_means_what_both_mean(inner: str, path: str):
    glob, outer = parse_glob(inner), below("a/b")
    both = within(glob, outer)
    is_meant = both.matches(path) and both.from_path.encode() <= path.encode() < both.to_path.encode()
    assert is_meant is (glob.matches(path) and outer.matches(path))


def test_several_globs_mean_what_any_of_them_means():
    both = either([parse_glob("a/*"), parse_glob("b/**")])
    assert [path for path in ("a/x", "a/x/y", "b", "b/x/y", "c") if both.matches(path)] == ["a/x", "b", "b/x/y"]
    assert both.from_path <= "a/x" < both.to_path
    assert both.from_path <= "b/x/y" < both.to_path
    assert either([parse_glob("a/*")]) == parse_glob("a/*")
