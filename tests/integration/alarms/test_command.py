"""`millstream cloud alarms`: files against a database; exit codes 0 done, 1 a difference, 2 a file that is refused."""

from pathlib import Path

import psycopg
import pytest

from cloud_api.storage.migrate import migrate
from millstream.cli import main
from millstream.demo.alarms import definitions_text

MORE = """
[[definition]]
name = "Meter silent"
target = { path = "hangzhou/**/power/active" }
condition = { kind = "stale", after_s = 60 }
"""


@pytest.fixture
def url(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    migrate(postgres_url)
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", postgres_url)
    return postgres_url


def alarms(*arguments: str | Path) -> int:
    return main(["cloud", "alarms", *map(str, arguments)])


def test_files_are_compared_applied_and_exported(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped, exported = tmp_path / "hall.toml", tmp_path / "out.toml"
    shipped.write_text(definitions_text(), encoding="utf-8")
    assert alarms("diff", shipped) == 1
    assert alarms("apply", shipped, "--dry-run") == 0
    assert alarms("export", exported) == 0
    assert "[[definition]]" not in exported.read_text(encoding="utf-8"), "a dry run changes nothing"
    assert alarms("apply", shipped) == 0
    assert "+ Meter silent" in capsys.readouterr().out
    for name in ("out.toml", "out.csv"):
        assert alarms("export", tmp_path / name) == 0
        assert alarms("diff", tmp_path / name) == 0, name
    (tmp_path / "more.toml").write_text(MORE, encoding="utf-8")
    assert alarms("apply", tmp_path / "more.toml") == 0
    assert "    condition.after_s: 15.0 -> 60.0" in capsys.readouterr().out
    assert alarms("apply", tmp_path / "more.toml", "--prune") == 0
    with psycopg.connect(url) as connection:
        left = connection.execute("select name, version from alarm_definition where deleted_at is null").fetchall()
        audited = connection.execute("select count(*) from audit where principal like 'command:%'").fetchone()
    assert left == [("Meter silent", 2)]
    assert audited is not None
    assert audited[0] >= 12


def test_a_refused_file_names_all_that_is_wrong(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del url
    broken = tmp_path / "broken.toml"
    broken.write_text(MORE.replace("60", "-1") + MORE.replace('"Meter', '"'), encoding="utf-8")
    assert alarms("apply", broken) == 2
    assert "Meter silent: condition.after_s = -1" in capsys.readouterr().err
    assert alarms("apply", tmp_path / "missing.toml") == 2


def test_a_database_that_is_away_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert alarms("export", tmp_path / "out.toml") == 1
    assert "cannot be reached" in capsys.readouterr().err
