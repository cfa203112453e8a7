"""Chinese by its sound."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from cloud_api.pinyin import sounding

COMMON = "电流压力温度转速振动主轴线机泵阀门流量液位重量长行车间锅炉绿旅女"


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        ("dianliu", "主轴电流"),
        ("dl", "主轴电流"),
        ("dianl", "电流"),
        ("dian liu", "电流"),
        ("dian'liu", "电流"),
        ("DianLiu", "电流"),
        ("zhuzhou", "主轴"),
        ("zhu", "主轴"),
        ("lvse", "绿色"),
        ("luse", "绿色"),
        ("xian", "西安"),
        ("zhongliang", "重量"),
        ("chongfu", "重复"),
    ],
)
def test_sounds_like(words: str, chinese: str):
    assert re.search(sounding(words) or "never", chinese)


@pytest.mark.parametrize("words", [None, "", "d", "电流", "dl2", "a/b", "xx%", "d" * 25, "q.*"])
def test_what_is_no_pinyin_means_nothing(words: str | None):
    assert sounding(words) is None


@given(st.text(COMMON, min_size=2, max_size=4))
def test_finds_every_word_by_its_full_pinyin_and_initials(chinese: str):
    syllables = [each.replace("ü", "v") for each in lazy_pinyin(chinese, v_to_u=False)]
    for typed in ("".join(syllables), "".join(each[0] for each in syllables)):
        assert re.search(sounding(typed) or "never", chinese), typed


@given(st.text("abcdefghijklmnopqrstuvwxyz '", max_size=30))
def test_any_letters_make_a_short_pattern_that_holds(words: str):
    pattern = sounding(words)
    if pattern is not None:
        re.compile(pattern)
        assert len(pattern) < 60_000
