"""A page and its twin that have come apart are told so, with what is missing and where."""

from pathlib import Path

import pytest

from tests.contracts.markdown import Page
from tests.contracts.twins import differences

ENGLISH = """# Pumps

[中文](pumps.zh-CN.md)

They run. See [valves](valves.md#closing) and [below](#limits).

## Limits

`pump check` waits 1,500 ms.

```sh
pump check --wait 1500    # as long as it takes
```

| setting | default |
|---|---|
| `WAIT` | 10, at most 60 000 |
"""
CHINESE = """# 水泵

[English](pumps.md)

水泵在运行。见[阀门](valves.zh-CN.md#关闭)和[下文](#限制)。

## 限制

`pump check` 等待 1,500 ms，共 2 次。

```sh
pump check --wait 1500    # 需要多久就多久
```

| 设置 | 默认 |
|---|---|
| `WAIT` | 10，最多 60 000 |
"""
VALVES = (
    Page(Path("docs/valves.md"), "# Valves\n\n## Closing\n"),
    Page(Path("docs/valves.zh-CN.md"), "# 阀门\n\n## 关闭\n"),
)


def said(english: str, chinese: str) -> list[str]:
    pair = Page(Path("docs/pumps.md"), english), Page(Path("docs/pumps.zh-CN.md"), chinese)
    return differences(*pair, known=(*pair, *VALVES))


def test_twins_that_say_the_same() -> None:
    assert said(ENGLISH, CHINESE) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("## Limits", "### Limits", "the headings differ: # Pumps, ### Limits beside # 水泵, ## 限制"),
        ("They run.", "They `run`.", "“Pumps” / “水泵”: `run` stands only in English"),
        ("They run.", "They run 3 h.", "“Pumps” / “水泵”: 3 stands only in English"),
        ("1,500 ms", "2,500 ms", "“Limits” / “限制”: 2500 stands only in English"),
        ("--wait 1500 ", "--wait 1600 ", "“Limits” / “限制”: code block 1 differs by more than its comments"),
        ("```sh\n", "```bash\n", "“Limits” / “限制”: code block 1 differs by more than its comments"),
        ("| 10, at", "| 20, at", "“Limits” / “限制”: a row of a table differs in its numbers"),
        ("|---|---|\n", "|---|---|\n| `MORE` | 10 |\n", "“Limits” / “限制”: 4 rows of tables in English, 3 in Chinese"),
        ("valves.md#closing", "valves.md", "“Pumps” / “水泵”: only English leads to docs/valves.md"),
        ("They run.", "They [run](https://pumps.example).", "“Pumps” / “水泵”: only English leads to https://pumps"),
        ("[中文](pumps.zh-CN.md)\n", "", "below the title of docs/pumps.md [中文](pumps.zh-CN.md) is missing"),
    ],
)
def test_english_that_changed_alone(before: str, after: str, told: str) -> None:
    assert before in ENGLISH
    assert any(each.startswith(told) for each in said(ENGLISH.replace(before, after), CHINESE))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("valves.zh-CN.md#关闭", "valves.md#closing", "“Pumps” / “水泵”: valves.md#closing leads to English"),
        ("水泵在运行。", "水泵在 `run`。", "“Pumps” / “水泵”: `run` stands only in Chinese"),
        ("[下文](#限制)", "下文", "“Pumps” / “水泵”: only English leads to docs/pumps.md, heading 2"),
    ],
)
def test_chinese_that_changed_alone(before: str, after: str, told: str) -> None:
    assert before in CHINESE
    assert any(each.startswith(told) for each in said(ENGLISH, CHINESE.replace(before, after)))
