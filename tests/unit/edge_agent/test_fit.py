"""Will it fit: what all devices of a line need together, and what to change."""

import json
from pathlib import Path

import pytest

from connectors.contract import Load
from edge_agent.checking import check
from edge_agent.fit import Polling, Verdict, line_uses

HEAD = '[agent]\nid = "gw-1"\n[mqtt]\nurl = "mqtt://127.0.0.1:1883"\n'
METER = """
[[device]]
name = "meter-{number}"
kind = "modbus"
url = "{url}"
unit = {number}
[device.scan]
default = "{period}"
[[device.tag]]
name = "power"
address = "holding:0"
type = "float32"
count = 50
"""


def polling(device: str, line: str, cycle_s: float, **remedies: float) -> Polling:
    found = tuple((name.replace("_", " = "), [left]) for name, left in remedies.items())
    return Polling(device, Load(line, [cycle_s], "", found), [1.0])


def test_devices_of_one_line_are_added_up():
    uses = line_uses([polling("a", "x", 0.25), polling("b", "y", 0.5), polling("c", "x", 0.5)])
    assert [(use.line, use.devices, use.share, use.verdict) for use in uses] == [
        ("x", ("a", "c"), 0.75, Verdict.FITS),
        ("y", ("b",), 0.5, Verdict.FITS),
    ]
    assert [use.advice for use in uses] == [(), ()]


@pytest.mark.parametrize(
    ("cycle_s", "verdict"), [(0.8, "fits"), (0.81, "tight"), (1.0, "tight"), (1.01, "does not fit")]
)
def test_verdicts(cycle_s: float, verdict: str):
    (use,) = line_uses([polling("a", "x", cycle_s)])
    assert use.verdict == verdict
    assert bool(use.advice) is (verdict != "fits")


def test_the_mildest_setting_that_makes_it_fit_is_told_and_the_periods_that_would():
    (use,) = line_uses([polling("a", "x", 2.0, baud_2=1.2, baud_3=0.7, baud_4=0.3), polling("b", "x", 0.05)])
    assert use.advice == (
        "make the scan periods 2.6 times as long, or move tags of a to a slower scan class",
        "set baud = 3: 75% of the time",
    )
    (use,) = line_uses([polling("a", "x", 9.0, baud_2=5.0, baud_3=4.0)])
    assert use.advice[1] == "set baud = 3: 400% of the time"


def checked(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    (tmp_path / "agent.toml").write_text(HEAD + text, encoding="utf-8")
    assert check(tmp_path / "agent.toml", as_json=as_json) == 0
    return capsys.readouterr().out


def test_meters_behind_one_slow_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "".join(METER.format(number=n, url="rtu:///dev/ttyUSB0", period="250ms") for n in (1, 2, 3))
    out = checked(tmp_path, text, capsys, as_json=False)
    assert "default: 136 ms of 250 ms (19200 baud assumed, 10 ms an answer assumed)" in out
    assert "line /dev/ttyUSB0: 163% of the time for meter-1, meter-2, meter-3: does not fit" in out
    assert "advice: set baud = 57600" in out
    assert "/dev/serial/by-id/" in out


def test_the_same_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = METER.format(number=1, url="tcp://10.0.0.1:502", period="1s")
    found = json.loads(checked(tmp_path, text, capsys, as_json=True))
    assert found["lines"] == [
        {"line": "10.0.0.1:502", "devices": ["meter-1"], "share": 0.0102, "verdict": "fits", "advice": []}
    ]
    (cycle,) = found["devices"][0]["cycles"]
    assert (cycle["scan"], cycle["period_s"], round(cycle["cycle_s"], 4)) == ("default", 1.0, 0.0102)


def test_settings_of_a_line_that_its_devices_give_differently(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    meters = [METER.format(number=n, url="rtu+tcp://10.0.0.1:4001", period="10s") for n in (1, 2)]
    text = meters[0] + meters[1].replace("[device.scan]", 'request_pause = "50ms"\n[device.scan]')
    out = checked(tmp_path, text, capsys, as_json=False)
    assert "line 10.0.0.1:4001: 3% of the time for meter-1, meter-2: fits" in out
    assert "advice: meter-1 has request_pause = 0.0, meter-2 has 0.05: they share one connection" in out
