"""The command: help in two languages, exit codes, and a light way into the agent."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from millstream.cli import main
from millstream.language import Language, words
from millstream.starting import guarded
from millstream.usage import in_chinese

USAGE = Path(__file__).parents[3] / "millstream/texts/usage.toml"
FRAME = str.maketrans("", "", "│╭╮╰╯─")

COMMANDS = [
    [],
    ["demo"],
    ["plant"],
    ["edge"],
    ["edge", "run"],
    ["edge", "check"],
    ["edge", "read"],
    ["edge", "write"],
    ["edge", "browse"],
    ["edge", "init"],
    ["edge", "probe"],
    ["edge", "scan"],
    ["cloud"],
    ["cloud", "run"],
    ["cloud", "migrate"],
    ["cloud", "key"],
    ["cloud", "key", "create"],
    ["cloud", "key", "revoke"],
    ["cloud", "user"],
    ["cloud", "user", "create"],
    ["cloud", "user", "list"],
    ["cloud", "user", "reset"],
    ["cloud", "user", "disable"],
    ["cloud", "user", "enable"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("language", "said"), [("en", "Show this help and exit."), ("zh", "显示本帮助并退出。")])
def test_every_command_has_help_in_both_languages(
    command: list[str], language: str, said: str, capsys: pytest.CaptureFixture[str]
):
    assert main([*command, "--help", "--lang", language]) == 0
    assert said in capsys.readouterr().out


def test_help_names_its_panels_in_chinese(capsys: pytest.CaptureFixture[str]):
    assert main(["--help", "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "选项" in shown
    assert "命令" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_help_is_cut_off(
    command: list[str], language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    main([*command, "--help", "--lang", language])
    assert "…" not in capsys.readouterr().out.replace("MILLSTREAM_…", "")


@pytest.mark.parametrize(
    "saying", tomllib.loads(USAGE.read_text(encoding="utf-8"))["said"], ids=lambda each: each["given"]
)
def test_refusals_of_the_parser_in_chinese(saying: dict[str, str], capsys: pytest.CaptureFixture[str]):
    assert main(["--lang", "en", *saying["given"].split()]) == 2
    english = " ".join(capsys.readouterr().err.translate(FRAME).split())
    assert re.search(saying["en"].removesuffix("\\."), english)
    assert main(["--lang", "zh", *saying["given"].split()]) == 2
    told = capsys.readouterr().err
    assert "错误" in told
    assert all(part in told for part in re.split(r"\{\w+\}", saying["zh"]))


def test_a_refusal_that_nobody_has_translated_stays_as_it_is():
    assert in_chinese("Something new.") == "Something new."


def test_version(capsys: pytest.CaptureFixture[str]):
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("millstream ")


@pytest.mark.parametrize(
    "given",
    [
        ["nonsense"],
        ["edge"],
        ["edge", "check"],
        ["demo", "--port", "many"],
        ["--lang", "fr"],
        ["plant", "--speed", "0"],
    ],
)
def test_bad_usage_is_exit_code_2(given: list[str]):
    assert main(given) == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "70000"), ("--mqtt-port", "-1"), ("--speed", "0"), ("--speed", "nan"), ("--duration", "-3")],
)
def test_demo_refuses_what_cannot_be_before_it_starts_anything(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["demo", "--data", str(tmp_path / "data"), option, value]) == 2
    assert option in capsys.readouterr().err
    assert not (tmp_path / "data" / "database").exists()


def test_demo_names_a_data_directory_that_cannot_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    occupied = tmp_path / "file"
    occupied.write_text("here already")
    assert main(["demo", "--data", str(occupied)]) == 2
    assert str(occupied) in capsys.readouterr().err


def test_configuration_that_is_not_there_is_exit_code_2(tmp_path: Path):
    assert main(["edge", "check", "-c", str(tmp_path / "agent.toml")]) == 2
    assert main(["edge", "run", "-c", str(tmp_path / "agent.toml")]) == 2


def test_running_an_agent_loads_neither_parser_nor_cloud(tmp_path: Path):
    script = (
        "import sys; from millstream.cli import main\n"
        f"code = main(['edge', 'run', '-c', {str(tmp_path / 'agent.toml')!r}])\n"
        "heavy = {'typer', 'click', 'rich', 'fastapi', 'numpy', 'psycopg', 'asyncua', 'cloud_api'}\n"
        "print(code, sorted(heavy & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["2", "[]\n"]


def _lacks(module: str) -> Callable[[], int]:
    def action() -> int:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    return action


def test_library_that_is_not_installed_names_the_extra(capsys: pytest.CaptureFixture[str]):
    assert guarded(words(Language.EN), "plant", "demo", _lacks("asyncua.ua")) == 2
    said = capsys.readouterr().err
    assert "asyncua" in said
    assert "millstream[demo]" in said


def test_room_of_ours_that_is_missing_is_our_mistake():
    with pytest.raises(ModuleNotFoundError):
        guarded(words(Language.EN), "plant", "demo", _lacks("millstream.nowhere"))
