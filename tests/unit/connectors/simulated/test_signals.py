"""Signals: the shape that was asked for, within its bounds, and the same for the same seed and time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.simulated.config import Form, Signal, SimulatedConfig, SimulatedPoint
from connectors.simulated.signals import KINDS, phase_of, sample_at
from schemas import status
from schemas.sample import Kind

MINUTE_US = 60_000_000
times = st.integers(946_684_800_000_000, 4_102_444_800_000_000)


def signal(**keys: Any) -> SimulatedPoint:
    return SimulatedPoint.model_validate({"signal": "sine", **keys})


@given(st.sampled_from(Signal), st.sampled_from(Form), st.floats(0, 1, exclude_max=True), times)
def test_every_signal_keeps_its_bounds_and_kind(shape: Signal, form: Form, phase: float, time_us: int):
    point = signal(signal=shape, form=form, minimum=-5.0, maximum=20.0)
    kind, value, code = sample_at(point, phase, time_us)
    if code == status.BAD_SENSOR_FAILURE:
        assert (shape, kind, value) == (Signal.DROPOUT, Kind.NONE, None)
        return
    assert kind is KINDS[form]
    assert value is not None
    assert form is Form.BOOLEAN or -5.0 <= float(value) <= 20.0


@given(st.sampled_from(Signal), st.integers(0, 2**63 - 1), st.integers(0, 1000), times)
def test_repeats_after_its_period(shape: Signal, seed: int, index: int, time_us: int):
    point = signal(signal=shape, period="1min")
    phase = phase_of(seed, index)
    assert phase == phase_of(seed, index)
    assert sample_at(point, phase, time_us) == sample_at(point, phase, time_us + MINUTE_US)


def test_a_ramp_rises_and_falls_back_once_a_period():
    ramp = signal(signal="ramp", period="1min", minimum=0, maximum=60)
    assert [sample_at(ramp, 0.0, second * 1_000_000)[1] for second in (0, 1, 30, 59, 60)] == pytest.approx(
        [0, 1, 30, 59, 0]
    )


def test_a_step_has_as_many_levels_as_asked_for():
    step = signal(signal="step", period="1min", steps=4, maximum=3)
    levels = [sample_at(step, 0.0, second * 1_000_000)[1] for second in range(60)]
    assert sorted(set(levels)) == [0, 1, 2, 3]
    assert levels == sorted(levels)


def test_a_dropout_fails_for_its_share_of_the_period():
    dropout = signal(signal="dropout", period="1min", missing=0.25)
    bad = [second for second in range(60) if sample_at(dropout, 0.0, second * 1_000_000)[2] != status.GOOD]
    assert bad == list(range(15))


def test_seeds_and_points_differ_in_phase():
    assert len({phase_of(seed, index) for seed in range(10) for index in range(10)}) == 100


@pytest.mark.parametrize(
    "keys",
    [{"signal": "noise"}, {"minimum": 5, "maximum": 5}, {"steps": 1}, {"missing": 1}, {"period": "0s"}, {"node": "x"}],
)
def test_wrong_signals_are_refused(keys: dict[str, Any]):
    with pytest.raises(ValidationError):
        signal(**keys)


def test_an_outage_leaves_time_to_be_reached():
    with pytest.raises(ValidationError, match="leave no time to be reached; allowed: more than outage_for = 5 s"):
        SimulatedConfig.model_validate({"outage_every": "5s", "outage_for": "5s"})
