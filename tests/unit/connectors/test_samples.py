"""The samples beside the connectors are what an agent would run."""

from pathlib import Path

import pytest

from edge_agent.checking import check
from tests.contracts.tree import ROOT

AGENT = '[agent]\nid = "gw-1"\n[mqtt]\nurl = "mqtt://127.0.0.1:1883"\n[outbox]\npath = "outbox.db"\n'


@pytest.mark.parametrize("kind", ["modbus", "simulated"])
def test_the_sample_is_a_device_that_the_agent_takes(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sample = (ROOT / "connectors" / kind / "sample.toml").read_text(encoding="utf-8")
    (tmp_path / "agent.toml").write_text(AGENT, encoding="utf-8")
    (tmp_path / "devices.d").mkdir()
    (tmp_path / "devices.d" / f"{kind}.toml").write_text(sample, encoding="utf-8")
    code = check(tmp_path / "agent.toml", as_json=False)
    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("kind", ["modbus", "simulated"])
def test_the_sample_shows_every_key(kind: str):
    from connectors import registry

    sample = (ROOT / "connectors" / kind / "sample.toml").read_text(encoding="utf-8")
    found = registry.kind(kind)
    keys = {*found.config_model.model_fields, *found.point_model.model_fields}
    assert [key for key in sorted(keys) if f"\n{key} = " not in sample] == []
