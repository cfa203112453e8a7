"""One sick device harms no other, off at boot, hanging with its connection open or answering rubbish; it comes back."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.faults.evidence import judge_agent, wait_for_all, wait_for_answers
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import wait_until
from tests.fixtures.stack import Row, ScannedDevice, Stack, wait_for_rows

AGENT = "gw-1"
PERIOD_US = 200_000
TIMEOUT_US = 3_000_000
SLACK_US = 1_000_000
"""What a busy machine may add; far below the time-out that a serialised device would cost the others."""


@pytest.mark.parametrize("illness", ["off", "hanging", "rubbish"])
def test_a_sick_device_goes_bad_alone_and_comes_back(
    stack: Stack, make_counting_device: Callable[..., CountingDevice], illness: str
) -> None:
    sick, well = _devices(make_counting_device)
    well.device.start()
    if illness != "off":
        sick.device.start()
    agent = stack.make_agent(AGENT, sick, well)
    stack.cloud.start()
    agent.child.start()
    wait_for_rows(stack, AGENT, well.path(0), 3)
    if illness != "off":
        wait_for_rows(stack, AGENT, sick.path(0), 3)
    _make_ill(sick, illness)
    sick_us = max((answer.sent_us for answer in sick.device.answers()), default=0)
    bad = _wait_for_bad(stack, sick.path(0), sick_us)
    if illness != "off":
        assert bad.time_us <= sick_us + 2 * PERIOD_US + TIMEOUT_US + SLACK_US, f"Bad only at {bad}, ill since {sick_us}"
    _read_on(well, bad.time_us + 2 * TIMEOUT_US)
    _heal(sick, illness)
    wait_until(
        lambda: any(
            row.value is not None and row.time_us > bad.time_us for row in stack.rows(AGENT) if row.path == sick.path(0)
        ),
        "the device that was ill delivers again",
    )
    _assert_rhythm(stack, well)
    _assert_only_true_values(stack, sick)


def test_a_garbling_line_makes_no_false_value(
    stack: Stack, make_counting_device: Callable[..., CountingDevice]
) -> None:
    """A device that answers rubbish from its first second never gets a value into the table."""
    sick, well = _devices(make_counting_device)
    well.device.start()
    sick.device.start(mode="rubbish")
    agent = stack.make_agent(AGENT, sick, well)
    stack.cloud.start()
    agent.child.start()
    bad = _wait_for_bad(stack, sick.path(0), 0)
    _read_on(well, bad.time_us + 2 * TIMEOUT_US)
    wait_for_all(stack, AGENT, [well])
    assert [row for row in stack.rows(AGENT) if row.path == sick.path(0) and row.value is not None] == []
    _assert_rhythm(stack, well)


def _devices(make: Callable[..., CountingDevice]) -> tuple[ScannedDevice, ScannedDevice]:
    keys = f'timeout = "{TIMEOUT_US // 1000}ms"\nretry_min = "100ms"\nretry_max = "1s"'
    periods = {"default": f"{PERIOD_US // 1000}ms"}
    sick, well = (ScannedDevice(name, make(2), periods, ("default",) * 2, keys=keys) for name in ("press-1", "press-2"))
    return sick, well


def _make_ill(device: ScannedDevice, illness: str) -> None:
    if illness == "hanging":
        device.device.child.pause()
    elif illness == "rubbish":
        device.device.kill()
        device.device.start(mode="rubbish")


def _heal(device: ScannedDevice, illness: str) -> None:
    if illness == "hanging":
        device.device.child.resume()
        return
    if illness == "rubbish":
        device.device.kill()
    device.device.start()


def _wait_for_bad(stack: Stack, path: str, after_us: int) -> Row:
    def found() -> list[Row]:
        return [r for r in stack.rows(AGENT) if r.path == path and r.status < 0 and r.time_us > after_us]

    bad = wait_until(found, f"{path} is Bad")
    assert all(row.value is None for row in bad), "a Bad sample of a dead device carries no value"
    return bad[0]


def _read_on(device: ScannedDevice, until_us: int) -> None:
    """Let a healthy device be read until an instant has passed."""
    wait_until(lambda: device.device.answers()[-1].sent_us > until_us, "the healthy device is read on")


def _assert_rhythm(stack: Stack, device: ScannedDevice) -> None:
    """By the device's own log: it was asked all the time, and every answer is stored with its time."""
    wait_for_answers([device])
    sent = {device.name: device.device.answers()}
    wait_for_all(stack, AGENT, [device])
    verdict = judge_agent([device], sent, stack, AGENT)
    assert verdict.is_clean, str(verdict)
    rows = [row for row in stack.rows(AGENT) if row.path in {device.path(0), device.path(1)}]
    assert [row for row in rows if row.status < 0] == [], "a healthy device went Bad"
    asked = [answer.before_us for answer in sent[device.name] if answer.counter == 0]
    longest = max(after - before for before, after in pairwise(asked))
    assert longest < PERIOD_US + SLACK_US, f"the healthy device was not asked for {longest} µs"


def _assert_only_true_values(stack: Stack, device: ScannedDevice) -> None:
    """Answers that came too late may be dropped, but what is stored is what was sent, once, with its own time."""
    verdict = judge_agent([device], {device.name: device.device.answers()}, stack, AGENT)
    verdict.missing.clear()
    assert verdict.is_true, str(verdict)
