"""Who is to blame, with the evidence that there is."""

from cloud_api.completeness.causes import Blame, Gap, Hole, Outage, add_path_gaps, device_holes, tail_hole


def gap(device: str | None, low: int, high: int, reason: str = "device_unreachable") -> Gap:
    return Gap(device, None, low, high, reason)


def blamed(holes: list[Hole]) -> list[tuple[int, int, str, Blame | None]]:
    return [(hole.from_us, hole.to_us, hole.reason, hole.blame) for hole in holes]


def test_one_device_that_is_gone_is_to_blame_itself():
    holes = device_holes([gap("a", 10, 20), gap("b", 15, 30)], "a", ["a", "b", "c"], [])
    assert blamed(holes) == [(10, 20, "device_unreachable", Blame.DEVICE)]


def test_all_devices_gone_at_once_mean_the_line():
    holes = device_holes([gap("a", 10, 20), gap("b", 15, 30)], "a", ["a", "b"], [])
    assert blamed(holes) == [
        (10, 15, "device_unreachable", Blame.DEVICE),
        (15, 20, "device_unreachable", Blame.LINE),
    ]


def test_a_device_alone_is_never_a_line():
    assert blamed(device_holes([gap("a", 10, 20)], "a", ["a"], [])) == [(10, 20, "device_unreachable", Blame.DEVICE)]


def test_the_whole_agents_gaps_are_those_of_each_device_and_overlaps_count_once():
    holes = device_holes([gap(None, 10, 20, "agent_stopped"), gap("a", 15, 25), gap("b", 0, 99)], "a", ["a"], [])
    assert blamed(holes) == [(10, 20, "agent_stopped", Blame.AGENT), (20, 25, "device_unreachable", Blame.DEVICE)]


def test_a_full_outbox_is_the_fault_of_what_was_down():
    full = [gap(None, 100, 200, "outbox_full")]
    database = Outage(Blame.DATABASE, 50, 300)
    assert blamed(device_holes(full, "a", ["a"], [database]))[0][3] is Blame.DATABASE
    lasting = Outage(Blame.BROKER, 120, None)
    brief = Outage(Blame.DATABASE, 100, 110)
    assert blamed(device_holes(full, "a", ["a"], [brief, lasting]))[0][3] is Blame.BROKER
    assert blamed(device_holes(full, "a", ["a"], []))[0][3] is Blame.AGENT


def test_a_reason_that_is_not_ours_stays_as_it_is():
    assert blamed(device_holes([gap("a", 1, 2, "moon_phase")], "a", ["a"], [])) == [(1, 2, "moon_phase", Blame.AGENT)]


def test_gaps_of_single_paths_are_added_where_nothing_is_declared_yet():
    holes = device_holes([gap("a", 10, 20)], "a", ["a"], [])
    own = [Gap("a", frozenset({"p/t"}), 15, 30, "sample_too_large"), Gap("a", frozenset({"p/u"}), 0, 99, "x")]
    assert blamed(add_path_gaps(holes, own, "p/t", [])) == [
        (10, 20, "device_unreachable", Blame.DEVICE),
        (20, 30, "sample_too_large", Blame.DEVICE),
    ]


def test_a_silent_end_is_explained_by_what_is_down_now():
    over, lasting = Outage(Blame.BROKER, 0, 5), Outage(Blame.DATABASE, 0, None)
    assert blamed([tail_hole((10, 20), None, [over])]) == [(10, 20, "not_arrived", None)]
    assert blamed([tail_hole((10, 20), 9, [over])]) == [(10, 20, "agent_offline", Blame.AGENT)]
    assert blamed([tail_hole((10, 20), 9, [over, lasting])]) == [(10, 20, "database_down", Blame.DATABASE)]
