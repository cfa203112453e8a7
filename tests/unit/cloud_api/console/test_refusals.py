"""Refusals on Chinese pages: every saying is what the API says today; English stands where nothing is known."""

import re
from pathlib import Path

import pytest

from cloud_api.console.api import Refused
from cloud_api.console.refusals import Saying, explain, in_chinese, problems_of, sayings
from cloud_api.console.words import Language, words
from cloud_api.problems import Kinds, body_invalid, document

API = Path(__file__).parents[4] / "cloud_api"
SOURCE = "\n".join(
    path.read_text(encoding="utf-8") for path in API.rglob("*.py") if "console" not in path.relative_to(API).parts
)
ZH, EN = words(Language.ZH), words(Language.EN)
UNITS = "a whole number and a unit of s, m, h or d, as 10m, 8h"
# What pydantic says, in its own words.
PYDANTIC = re.compile(r"(Field required|Extra inputs|Input should|String should|length [<>]=).*")


@pytest.mark.parametrize("saying", sayings(), ids=lambda saying: saying.example[:40])
def test_each_saying_is_understood_and_still_said(saying: Saying):
    assert saying.pattern.fullmatch(saying.example)
    chinese = in_chinese(saying.example)
    assert chinese is not None
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    if not PYDANTIC.fullmatch(saying.example):
        # Some stretch of it that no place stands in is written in the API's source.
        spoken = saying.example.split()
        least = min(3, (len(spoken) + 1) // 2)
        stretches = [" ".join(spoken[start : start + least]) for start in range(len(spoken) - least + 1)]
        assert any(stretch in SOURCE for stretch in stretches)


def refused(kind: Kinds, detail: str, **more: object) -> Refused:
    return Refused(kind.value.status, {"type": f"urn:millstream:problem:{kind.value.name}", "detail": detail, **more})


def test_a_field_has_its_name_value_and_what_is_allowed():
    problem = body_invalid("value", 462.0, "is outside the range of this series", "20 … 80 mm2/s")
    given = Refused(422, document(problem))
    assert problems_of(ZH, given) == [("value", "“462.0” 超出该序列的范围（允许：20 … 80 mm2/s）")]
    assert explain(ZH, given) == "请更正: 数值: “462.0” 超出该序列的范围（允许：20 … 80 mm2/s）"
    assert explain(EN, given) == "Please correct: value: is outside the range of this series (20 … 80 mm2/s)"


def test_the_name_of_the_only_field_is_not_said_twice():
    given = refused(Kinds.BODY_INVALID, "reason: String should have at least 1 character", field="reason", value="")
    assert problems_of(EN, given) == [("reason", "String should have at least 1 character")]
    assert problems_of(ZH, given) == [("reason", "“” 太短，至少 1 个")]


def test_several_fields_are_all_named():
    errors = [
        {"field": "body.reason", "detail": "Field required", "value": None},
        {"field": "duration", "detail": "is not a length of time", "value": "10 min", "allowed": UNITS},
        {"field": "gain", "detail": "is too bright", "value": 7, "allowed": "5"},
    ]  # fmt: skip
    given = refused(Kinds.BODY_INVALID, "nothing", errors=errors)
    assert problems_of(ZH, given) == [
        ("reason", "必须填写"),
        ("duration", "“10 min” 不是时长（允许：整数加单位 s、m、h 或 d，例如 10m、8h）"),
        ("gain", "“7” 不符合要求（允许：5）"),
    ]


def test_what_its_kind_says_needs_no_english_and_the_unknown_is_not_hidden():
    for kind in (Kinds.NOT_FOUND, Kinds.OUTSIDE_REACH, Kinds.INGEST_UNAVAILABLE, Kinds.TOO_MANY_REQUESTS):
        assert not re.search(r"[A-Za-z]{3}", explain(ZH, refused(kind, "english words")))
    assert (
        explain(ZH, refused(Kinds.CONFLICT, "another series has the path 'a/b'")) == "当前状态下不能进行: “a/b”已被使用"
    )
    assert explain(ZH, refused(Kinds.CONFLICT, "the moon is full")) == "当前状态下不能进行: the moon is full"
    words_of_access = "the user 'wang.li' has the role viewer; needed: the role engineer"
    told = explain(ZH, refused(Kinds.ROLE_INSUFFICIENT, words_of_access))
    assert told == "您的角色没有此权限: 您的角色是 viewer，需要 engineer"
