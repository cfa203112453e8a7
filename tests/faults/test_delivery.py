"""No sample is lost or doubled by a lost broker or acknowledgement, an old or full outbox, a twin, a second ingest."""

import shutil
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.faults.evidence import wait_for_all, wait_for_answers
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import find_free_port, wait_until
from tests.fixtures.proxy import Proxies
from tests.fixtures.stack import Agent, ScannedDevice, Stack, wait_for_rows

AGENT = "gw-1"
GAPS_WITHOUT_LOSS = """
SELECT g.batches, l.stored FROM gap g JOIN ledger l USING (agent, epoch) WHERE NOT l.lost && g.batches
"""
LOST_BATCHES = "SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM ledger, unnest(lost) AS r"
MakeDevice = Callable[..., CountingDevice]


def test_after_a_long_outage_live_comes_first_and_backlog_beside(
    stack: Stack, make_counting_device: MakeDevice
) -> None:
    device = _device(make_counting_device)
    quick = 'retry_min = "100ms"\nretry_max = "200ms"\nlive_window = "2s"\nbacklog_rate = "1kB"'
    agent = stack.make_agent(AGENT, device, mqtt=quick)
    _run(stack, agent, device)
    stack.broker.kill()
    began_us = _now_us()
    wait_for_answers([device], more=120)
    wait_until(lambda: _now_us() - began_us > 6_000_000, "the outage outlasts the live window")
    during = [answer for answer in device.device.answers() if answer.before_us > began_us + 1_000_000]
    stack.broker.start()
    back_us = _now_us()

    def live_is_in() -> bool:
        return any(row.time_us > back_us for row in stack.rows(AGENT) if row.value is not None)

    wait_until(live_is_in, "live samples are stored")
    stored = {row.time_us for row in stack.rows(AGENT)}
    waiting = [answer for answer in during if not any(answer.before_us <= t <= answer.sent_us + 50_000 for t in stored)]
    assert waiting, "the backlog had been sent before the first live sample"
    agent.child.kill()
    agent.configure(stack.broker.url)
    agent.child.start()
    _assert_clean(stack, agent, [device], except_gaps_of="agent_stopped")


def test_a_lost_acknowledgement_after_the_commit_doubles_nothing(
    stack: Stack, make_counting_device: MakeDevice, make_proxy: Proxies
) -> None:
    device = _device(make_counting_device)
    proxy = make_proxy(stack.broker.port)
    agent = stack.make_agent(AGENT, device)
    agent.configure(f"mqtt://127.0.0.1:{proxy.port}")
    _run(stack, agent, device)
    proxy.down.is_swallowed = True
    at_us = _now_us()
    wait_until(
        lambda: len([row for row in stack.rows(AGENT) if row.time_us > at_us and row.value is not None]) > 10,
        "samples are committed whose acknowledgement is lost",
    )
    assert agent.backlog() > 0
    proxy.refuse()
    proxy.down.is_swallowed = False
    proxy.accept()
    _assert_clean(stack, agent, [device])
    assert stack.metric("millstream_ingest_batches_total", outcome="repeated") > 0


def test_lost_pubacks_and_acks_of_the_cloud_double_nothing(
    stack: Stack, make_counting_device: MakeDevice, make_proxy: Proxies
) -> None:
    device = _device(make_counting_device)
    proxy = make_proxy(stack.broker.port)
    stack.cloud = stack.make_cloud(stack.http_port, MILLSTREAM_MQTT_URL=f"mqtt://127.0.0.1:{proxy.port}")
    agent = stack.make_agent(AGENT, device)
    _run(stack, agent, device)
    proxy.up.is_swallowed = True
    at_us = _now_us()
    wait_until(
        lambda: any(row.time_us > at_us for row in stack.rows(AGENT)),
        "samples are committed whose acknowledgement is lost",
    )
    wait_for_answers([device])
    proxy.refuse()
    proxy.up.is_swallowed = False
    proxy.accept()
    _assert_clean(stack, agent, [device])


def test_a_restored_older_outbox_repeats_and_harms_nothing(stack: Stack, make_counting_device: MakeDevice) -> None:
    device = _device(make_counting_device)
    agent = stack.make_agent(AGENT, device)
    _run(stack, agent, device)
    stack.broker.kill()
    wait_for_answers([device], more=30)
    agent.child.kill()
    assert agent.backlog() > 0
    image = agent.folder.with_name("image")
    shutil.copytree(agent.folder, image)
    stack.broker.start()
    agent.child.start()
    wait_for_all(stack, AGENT, [device])
    wait_for_answers([device], more=30)
    wait_for_all(stack, AGENT, [device])
    agent.child.kill()
    shutil.rmtree(agent.folder)
    shutil.copytree(image, agent.folder)
    restored_us = _now_us()
    agent.child.start()
    wait_for_answers([device])
    verdict = wait_for_all(stack, AGENT, [device])
    # An old image cannot know what was delivered after it, so its gap may span what the table has.
    assert stack.rejects() == []
    assert verdict.is_true, str(verdict)
    wait_until(lambda: agent.backlog(restored_us) == 0, "the restored batches are acknowledged")


def test_two_agents_of_one_id_lose_nothing(stack: Stack, make_counting_device: MakeDevice) -> None:
    device = _device(make_counting_device)
    first = stack.make_agent(AGENT, device, folder="original")
    second = stack.make_agent(AGENT, device, folder="clone")
    _run(stack, first, device)
    second.child.start()
    wait_until(lambda: len(_epochs(stack, AGENT)) >= 2, "both epochs are in the ledger")
    wait_for_answers([device], more=60)
    first.child.kill()
    wait_for_answers([device], more=20)
    second.child.kill()
    first.child.start()
    wait_for_answers([device], more=20)
    first.child.kill()
    second.child.start()
    wait_for_answers([device], more=20)
    verdict = wait_for_all(stack, AGENT, [device])
    # Each twin declares the time that it was dead itself, in which the other has read on.
    assert stack.rejects() == []
    assert verdict.is_true, str(verdict)


@pytest.mark.parametrize("when_full", ["evict_oldest", "refuse_newest"])
def test_a_full_outbox_declares_what_it_gave_up(stack: Stack, make_counting_device: MakeDevice, when_full: str) -> None:
    device = _device(make_counting_device, counters=8, period="10ms")
    outbox = f'max_bytes = "64KiB"\nwhen_full = "{when_full}"'
    agent = stack.make_agent(AGENT, device, outbox=outbox, batch='window = "10ms"')
    _run(stack, agent, device)
    stack.broker.kill()
    wait_for_answers([device], more=4500)
    stack.broker.start()
    wait_for_answers([device])
    verdict = wait_for_all(stack, AGENT, [device])
    assert verdict.is_true, f"{verdict}\n{agent.child.tail()}"
    full = [gap for gap in stack.gaps(AGENT) if gap.reason == "outbox_full"]
    assert full, "the outbox never was full: the test shows nothing"
    if when_full == "refuse_newest":
        assert len(full) <= 5, f"one outage made {len(full)} gap rows"
        return
    ((lost,),) = _select(stack, LOST_BATCHES)
    assert 3 * len(full) < int(str(lost)), f"{lost} evicted batches made {len(full)} gap rows: runs are not joined"
    assert _select(stack, GAPS_WITHOUT_LOSS) == [], "a gap of batches that are all stored"


def test_a_second_ingest_waits_for_the_lease_and_takes_over(stack: Stack, make_counting_device: MakeDevice) -> None:
    device = _device(make_counting_device)
    agent = stack.make_agent(AGENT, device)
    _run(stack, agent, device)
    owner = _lease(stack)
    port = find_free_port()
    second = stack.make_cloud(port, name="second").start()
    second.wait_for_port(port)
    wait_for_answers([device], more=60)
    assert _lease(stack) == owner, "the second process took the lease of a living owner"
    stack.cloud.kill()
    wait_until(lambda: _lease(stack)[1] > owner[1], "the second process takes over")
    at_us = _now_us()
    wait_until(lambda: any(row.time_us > at_us for row in stack.rows(AGENT)), "samples are stored again")
    stack.cloud.start()
    stack.http_port = port
    _assert_clean(stack, agent, [device])


def test_an_owner_that_slept_through_its_lease_commits_nothing(stack: Stack, make_counting_device: MakeDevice) -> None:
    device = _device(make_counting_device)
    agent = stack.make_agent(AGENT, device)
    _run(stack, agent, device)
    owner = _lease(stack)
    second = stack.make_cloud(find_free_port(), name="second").start()
    stack.cloud.pause()
    wait_until(lambda: _lease(stack)[1] > owner[1], "the second process takes over")
    taken = _lease(stack)
    stack.cloud.resume()
    wait_for_answers([device], more=60)
    assert _lease(stack) == taken, "the sleeper took its lease back from a living owner"
    _assert_clean(stack, agent, [device])
    assert second.is_running
    assert stack.cloud.is_running


def _device(make: MakeDevice, counters: int = 2, period: str = "100ms") -> ScannedDevice:
    device = make(counters).start()
    return ScannedDevice("press-1", device, {"default": period}, ("default",) * counters, keys='timeout = "10s"')


def _run(stack: Stack, agent: Agent, device: ScannedDevice) -> None:
    """Start cloud and agent and wait for the first samples."""
    stack.cloud.start()
    agent.child.start()
    wait_for_rows(stack, agent.id, device.path(0), 3)


def _assert_clean(stack: Stack, agent: Agent, devices: list[ScannedDevice], except_gaps_of: str = "") -> None:
    """After a little more reading, everything sent until then is stored, and nothing was declared missing."""
    wait_for_answers(devices)
    verdict = wait_for_all(stack, agent.id, devices)
    assert stack.rejects() == []
    assert verdict.is_clean, f"{verdict}\nagent:\n{agent.child.tail()}\ncloud:\n{stack.cloud.tail()}"
    assert [gap for gap in stack.gaps(agent.id) if gap.reason != except_gaps_of] == []


def _epochs(stack: Stack, agent: str) -> list[tuple[object, ...]]:
    return _select(stack, f"SELECT epoch FROM ledger WHERE agent = '{agent}' AND NOT isempty(stored)")


def _lease(stack: Stack) -> tuple[str, int]:
    (found,) = _select(stack, "SELECT owner, token FROM lease WHERE name = 'ingest'")
    return str(found[0]), int(str(found[1]))


def _select(stack: Stack, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(stack.postgres.url(stack.database)) as connection:
        return connection.execute(query.encode()).fetchall()


def _now_us() -> int:
    return time.time_ns() // 1000
