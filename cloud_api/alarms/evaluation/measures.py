"""From samples to measures: what each kind of condition holds against its levels (pure)."""

from cloud_api.alarms.evaluation import levels
from cloud_api.alarms.evaluation.plan import Kind, Plan
from cloud_api.alarms.evaluation.state import Reading, State

BAD = 0x8000_0000


def is_unusable(plan: Plan, reading: Reading) -> bool:
    """Whether a sample says nothing about the condition: Bad, or without the number that it would take."""
    match plan.kind:
        case Kind.BAD_QUALITY | Kind.STALE:
            return False
        case Kind.DISCRETE:
            return reading.status >= BAD or (reading.value is None and reading.text is None)
        case _:
            return reading.status >= BAD or reading.value is None


def measure(plan: Plan, state: State, reading: Reading) -> float | None:
    """Give the number for the levels; None when this sample alone gives none (the first ones of a rate)."""
    match plan.kind:
        case Kind.BAD_QUALITY:
            return 1.0 if reading.status >= BAD else 0.0
        case Kind.DISCRETE:
            is_in = reading.text in plan.texts if reading.text is not None else reading.value in plan.states
            return 1.0 if is_in else 0.0
        case Kind.RATE:
            return _rate(plan, state, reading)
        case Kind.EXPRESSION:
            return 1.0 if reading.value else 0.0
        case _:
            return reading.value


def _rate(plan: Plan, state: State, reading: Reading) -> float | None:
    """Change since the first sample of the block of `over` before, in units of `per`; blocks lie on the clock's grid.

    A grid instead of a sliding window needs no more memory than one sample, and it is found again after a restart.
    """
    value, time_us = reading.value, reading.time_us
    if value is None:
        return None
    before, before_us = state.reference, state.reference_us
    if before is None or before_us is None:
        state.reference, state.reference_us = value, time_us
        return None
    if time_us // plan.over_us == before_us // plan.over_us:
        return None
    state.reference, state.reference_us = value, time_us
    return (value - before) * plan.per_us / (time_us - before_us)


def feed_watchdog(plan: Plan, state: State, reading: Reading) -> None:
    """Set the clock back when the sample is a sign of life: any sample for `stale`, a moved one for a counter."""
    if plan.kind is Kind.COUNTER_STOPPED:
        if state.fed_us is not None and reading.value == state.reference:
            return
        state.reference = reading.value
    _feed(plan, state, reading.time_us)


def start_watchdog(plan: Plan, state: State, time_us: int) -> None:
    """Begin to wait for a first sign of life."""
    if state.fed_us is None:
        _feed(plan, state, time_us)


def _feed(plan: Plan, state: State, time_us: int) -> None:
    (memory,), (level,) = state.memories, plan.levels
    last_us, state.fed_us = state.fed_us, time_us
    memory.rest_us = None
    if not memory.is_active:
        memory.is_true, memory.since_us = True, time_us
        memory.deadline_us = time_us + plan.after_us + level.on_delay_us
        return
    if state.run_us is None or (last_us is not None and time_us - last_us > plan.after_us):
        state.run_us = time_us
    memory.is_true, memory.since_us = False, state.run_us
    memory.deadline_us = max(time_us, state.run_us + level.off_delay_us)


def keep_watch(plan: Plan, state: State, time_us: int) -> None:
    """After a delay of a watchdog ran out at `time_us`: its clock goes on in either state."""
    (memory,), (level,) = state.memories, plan.levels
    if memory.is_active:
        memory.is_true, state.run_us = True, None
        return
    fed_us = time_us if state.fed_us is None else state.fed_us
    if fed_us + plan.after_us < time_us:
        # Signs of life stopped again before the off-delay was over.
        memory.is_active, memory.is_true, state.run_us = True, True, None
        return
    memory.is_true, memory.since_us, state.run_us = True, fed_us, None
    memory.deadline_us = fed_us + plan.after_us + level.on_delay_us


def pause(plan: Plan, state: State, time_us: int, *, is_bad: bool) -> None:
    """Take note of the input's quality; delays rest while it is Bad."""
    if is_bad and not state.is_bad:
        levels.rest(state.memories, time_us)
    elif state.is_bad and not is_bad:
        levels.resume(state.memories, time_us)
        if plan.kind is Kind.RATE:
            # No rate is told across a stretch that nobody has seen.
            state.reference = state.reference_us = None
    state.is_bad = is_bad
