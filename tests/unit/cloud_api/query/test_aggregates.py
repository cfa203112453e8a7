"""Part 13 aggregates against the example tables of its Annex A (Historian 1), and against figures done by hand."""

import numpy as np
import pytest

from cloud_api.query.aggregates.compute import compute
from cloud_api.query.aggregates.counted import counter_steps
from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.samples import Intervals, Result, Samples, make_samples
from schemas.status import BAD, BAD_NO_DATA, GOOD, UNCERTAIN

SUB = 0x40A40000
CALC, INTER, PART, MULTI = 0x401, 0x402, 0x404, 0x410
NO = BAD_NO_DATA
# Annex A.1.1: a value every 10 s, Bad at 40 s, Uncertain at 70 s; Uncertain counts as Good, sloped, 100 and 100.
HISTORIAN1 = [(n * 10, n * 10.0, {4: BAD, 7: UNCERTAIN}.get(n, GOOD)) for n in range(1, 10)]
AS_BAD = Configuration()
AS_GOOD = Configuration(treat_uncertain_as_bad=False)
Row = tuple[float, float | None, int]


def samples_of(rows: list[Row], configuration: Configuration) -> Samples:
    times = np.array([round(row[0] * 1_000_000) for row in rows], np.int64)
    values = np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64)
    return make_samples(times, values, np.array([row[2] for row in rows], np.uint32), configuration)


def intervals_of(edges_s: list[float], cut: list[int] | None = None) -> Intervals:
    flags = np.zeros(len(edges_s) - 1, np.bool_)
    flags[cut or []] = True
    return Intervals(np.array([round(edge * 1_000_000) for edge in edges_s], np.int64), flags)


def evaluate(
    name: str, rows: list[Row], edges_s: list[float], configuration: Configuration = AS_BAD, cut: int = 0
) -> Result:
    aggregate = Aggregate(name)
    cuts = [len(edges_s) - 2] if cut else None
    found = compute([aggregate], samples_of(rows, configuration), intervals_of(edges_s, cuts), configuration)
    return found[aggregate]


def shown(result: Result) -> list[tuple[float | None, int]]:
    pairs = zip(result.values.tolist(), result.codes.tolist(), strict=True)
    return [(None if code >= BAD else round(value, 3), code) for value, code in pairs]


FIVES = [n * 5.0 for n in range(21)]
SIXTEENS = [n * 16.0 for n in range(7)] + [100.0]
TABLES: dict[str, list[tuple[float | None, int]]] = {
    # A.2
    "interpolative": [
        (None, NO), (None, NO), (10, GOOD), (15, INTER), (20, GOOD), (25, INTER), (30, GOOD),
        (35, SUB | INTER), (40, SUB | INTER), (45, SUB | INTER), (50, GOOD), (55, INTER), (60, GOOD),
        (65, SUB | INTER), (70, UNCERTAIN), (75, SUB | INTER), (80, GOOD), (85, INTER), (90, GOOD), (90, SUB | INTER),
    ],
    # A.4
    "time_average": [
        (None, NO), (None, NO), (12.5, CALC), (17.5, CALC), (22.5, CALC), (27.5, CALC), (32.5, SUB | CALC),
        (37.5, SUB | CALC), (42.5, SUB | CALC), (47.5, SUB | CALC), (52.5, CALC), (57.5, CALC), (62.5, SUB | CALC),
        (67.5, SUB | CALC), (72.5, SUB | CALC), (77.5, SUB | CALC), (82.5, CALC), (87.5, CALC),
        (90, SUB | CALC), (90, SUB | CALC),
    ],
    # A.5
    "time_average2": [
        (None, NO), (None, NO), (12.5, CALC), (17.5, CALC), (22.5, CALC), (27.5, CALC), (30, SUB | CALC),
        (30, SUB | CALC), (None, NO), (None, NO), (52.5, CALC), (57.5, CALC), (62.5, SUB | CALC),
        (67.5, SUB | CALC), (72.5, SUB | CALC), (77.5, SUB | CALC), (82.5, CALC), (87.5, CALC),
        (90, SUB | CALC | PART), (None, NO),
    ],
    # A.13
    "minimum2": [
        (10, SUB | CALC | PART), (16, SUB | INTER), (30, SUB | INTER), (50, SUB | CALC), (64, SUB | INTER),
        (80, SUB | PART), (None, NO),
    ],
    # A.25
    "start_bound": [
        (None, NO | PART), (16, INTER), (30, SUB | INTER), (None, NO), (64, SUB | INTER), (80, PART), (None, NO),
    ],
    # A.29; the historian's clock ticks in milliseconds, ours in microseconds
    "duration_good": [
        (6000, CALC | PART), (16000, CALC), (0, CALC), (14000, CALC), (0, CALC), (10000.001, CALC | PART), (None, NO),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_annex_a_historian_1(name: str):
    is_fives = len(TABLES[name]) == 20
    result = evaluate(name, HISTORIAN1, FIVES if is_fives else SIXTEENS, AS_GOOD, cut=0 if is_fives else 1)
    assert shown(result) == TABLES[name]


# Annex A.1.2: values at odd times, Bad at 42 s, Uncertain at 77 s, which counts as Bad here.
HISTORIAN2: list[Row] = [
    (2, 10.0, GOOD), (25, 20.0, GOOD), (28, 25.0, GOOD), (39, 30.0, GOOD), (42, None, BAD), (48, 40.0, GOOD),
    (52, 50.0, GOOD), (72, 60.0, GOOD), (77, 70.0, UNCERTAIN), (83, 70.0, GOOD), (86, 80.0, GOOD), (90, 90.0, GOOD),
]  # fmt: skip
TABLES2: dict[str, list[tuple[float | None, int]]] = {
    # A.10 and A.11: times
    "minimum_actual_time": [
        (2, PART), (25, GOOD), (39, SUB), (48, GOOD), (72, SUB), (83, PART), (None, NO),
    ],
    "maximum_actual_time": [
        (2, PART), (28, GOOD), (39, SUB), (52, GOOD), (72, SUB), (90, PART), (None, NO),
    ],
    # A.13
    "minimum2": [
        (10, SUB | CALC | PART), (16.087, INTER), (26.818, SUB | INTER), (40, GOOD), (56, SUB | INTER),
        (70, SUB | CALC | PART), (None, NO),
    ],
    # A.15 and A.16: times; the end bound has the last instant of the interval
    "minimum_actual_time2": [
        (2, SUB | PART), (16, INTER), (32, SUB | INTER), (48, GOOD), (64, SUB | INTER), (83, SUB | PART), (None, NO),
    ],
    "maximum_actual_time2": [
        (15.999, SUB | INTER | PART), (31.999, INTER), (47.999, SUB | INTER), (63.999, INTER), (72, SUB),
        (90, SUB | PART), (None, NO),
    ],
    # A.25
    "start_bound": [
        (None, NO | PART), (16.087, INTER), (26.818, INTER), (40, GOOD), (56, INTER), (None, NO | PART), (None, NO),
    ],
    # A.29
    "duration_good": [
        (14000, CALC | PART), (16000, CALC), (10000, CALC), (16000, CALC), (13000, CALC),
        (7000.001, CALC | PART), (None, NO),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES2)
def test_annex_a_historian_2(name: str):
    result = evaluate(name, HISTORIAN2, SIXTEENS, AS_BAD)
    rows = shown(result)
    if "actual_time" in name:
        rows = [(None if value is None else value // 1000 / 1000, code) for value, code in rows]
    assert rows == TABLES2[name]


def test_annex_a_16_maximum_actual_time2_of_historian_1():
    result = evaluate("maximum_actual_time2", HISTORIAN1, SIXTEENS, AS_GOOD)
    assert (result.values[:6] // 1000 / 1000).tolist() == [15.999, 30, 32, 63.999, 79.999, 90]
    bits = [INTER | PART, MULTI, INTER, INTER, INTER, PART]
    assert result.codes.tolist() == [SUB | each for each in bits] + [NO]


def test_annex_a_15_minimum_actual_time2():
    result = evaluate("minimum_actual_time2", HISTORIAN1, SIXTEENS, AS_GOOD)
    expected = [10, 16, 32, 50, 64, 80]
    assert (result.values[:6] / 1e6).tolist() == expected
    bits = [PART, INTER, INTER, 0, INTER, PART]
    assert result.codes.tolist() == [SUB | each for each in bits] + [NO]


def test_a_line_has_half_its_height_and_a_step_nothing_until_it_changes():
    line: list[Row] = [(0, 0.0, GOOD), (10, 10.0, GOOD)]
    for name, total in (("time_average", 50.0), ("time_average2", 50.0)):
        assert shown(evaluate(name, line, [0, 10])) == [(5.0, CALC)]
        assert shown(evaluate(name, line, [0, 10], Configuration(stepped=True))) == [(0.0, CALC)]
        whole = name.replace("time_average", "total")
        assert shown(evaluate(whole, line, [0, 10])) == [(total, CALC)]


def test_extrapolation_holds_or_goes_on():
    line: list[Row] = [(0, 0.0, GOOD), (10, 10.0, GOOD)]
    assert shown(evaluate("interpolative", line, [20, 30])) == [(10.0, SUB | INTER)]
    sloped = Configuration(sloped_extrapolation=True)
    assert shown(evaluate("interpolative", line, [20, 30], sloped)) == [(20.0, SUB | INTER)]


def test_start_end_delta_and_bounds():
    rows: list[Row] = [(0, 1.0, GOOD), (5, 2.0, BAD), (8, 4.0, GOOD), (12, 8.0, GOOD)]
    assert shown(evaluate("start", rows, [4, 10])) == [(None, BAD)]
    assert shown(evaluate("end", rows, [4, 10])) == [(2, GOOD)]  # the third sample
    assert shown(evaluate("delta", rows, [4, 20])) == [(4.0, SUB | CALC | PART)]
    assert shown(evaluate("delta", rows, [8, 13])) == [(4.0, CALC | PART)]
    assert shown(evaluate("end_bound", rows, [8, 10])) == [(6.0, CALC)]
    assert shown(evaluate("delta_bounds", rows, [8, 10])) == [(2.0, CALC)]
    assert shown(evaluate("delta_bounds", rows, [6, 10])) == [(None, NO)]


def test_states_and_transitions():
    rows: list[Row] = [(0, 0.0, GOOD), (4, 1.0, GOOD), (6, 1.0, GOOD), (7, 0.0, GOOD), (20, 0.0, GOOD)]
    held = Configuration(stepped=True)
    assert shown(evaluate("duration_in_state_zero", rows, [0, 10], held)) == [(7000, CALC)]
    assert shown(evaluate("duration_in_state_non_zero", rows, [0, 10], held)) == [(3000, CALC)]
    assert shown(evaluate("number_of_transitions", rows, [1, 10], held)) == [(2, CALC)]
    # Nothing before the first sample: that counts as a transition (5.4.3.24).
    assert shown(evaluate("number_of_transitions", rows, [0, 10], held)) == [(3, CALC)]


def test_worst_quality_and_its_bound():
    rows: list[Row] = [(0, 1.0, 0x80050000), (3, 1.0, GOOD), (4, 1.0, 0x40900000), (5, 1.0, 0x40910000), (9, 1.0, GOOD)]
    assert shown(evaluate("worst_quality", rows, [2, 8])) == [(0x40900000, CALC | MULTI)]
    assert shown(evaluate("worst_quality2", rows, [2, 8])) == [(NO, CALC)]
    assert shown(evaluate("worst_quality", rows, [6, 8])) == [(None, NO)]


def test_spread_of_large_numbers_keeps_its_digits():
    rows: list[Row] = [(n, 1e9 + (0.01 if n % 2 else -0.01), GOOD) for n in range(1000)]
    deviation = evaluate("standard_deviation_population", rows, [0, 1000]).values[0]
    assert deviation == pytest.approx(0.01, rel=1e-5)  # 1e9 itself has steps of 1.2e-7
    assert evaluate("time_average", rows, [0, 999]).values[0] == pytest.approx(1e9, abs=1e-6)
    alone = evaluate("variance_sample", [(0, 5.0, GOOD)], [0, 1])
    assert shown(alone) == [(0.0, CALC | PART)]


def test_counters_grow_roll_over_and_restart():
    assert counter_steps(np.array([10.0, 30.0, 5.0]), None).tolist() == [20, 5]
    assert counter_steps(np.array([65530.0, 4.0, 9.0, 2.0]), 65536).tolist() == [10, 5, 2]
    rows: list[Row] = [(0, 10.0, GOOD), (10, 30.0, GOOD), (20, 0.0, BAD), (30, 5.0, GOOD), (40, 25.0, GOOD)]
    assert shown(evaluate("increase", rows, [5, 35, 45])) == [(25.0, SUB | CALC), (20.0, CALC | PART)]
    assert shown(evaluate("rate", rows, [5, 35, 45])) == [(round(25 / 30, 3), SUB | CALC), (2.0, CALC | PART)]


def test_percentages_decide_the_status():
    rows: list[Row] = [(0, 1.0, GOOD), (8, None, BAD), (10, 1.0, GOOD)]
    held = Configuration(stepped=True)
    assert shown(evaluate("time_average2", rows, [0, 10], held)) == [(1.0, SUB | CALC)]
    good = Configuration(stepped=True, percent_data_good=80)
    assert shown(evaluate("time_average2", rows, [0, 10], good)) == [(1.0, CALC)]
    bad = Configuration(stepped=True, percent_data_bad=20)
    assert shown(evaluate("time_average2", rows, [0, 10], bad)) == [(None, BAD)]
    assert not Configuration(percent_data_good=50, percent_data_bad=49).is_consistent
    assert Configuration(percent_data_good=50, percent_data_bad=50).is_consistent


def test_no_samples_at_all():
    for aggregate in Aggregate:
        if aggregate.value in {"average", "minimum", "maximum", "count"}:
            continue
        assert shown(evaluate(aggregate.value, [], [0, 10, 20])) == [(None, NO), (None, NO)], aggregate
