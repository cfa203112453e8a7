"""The sub-commands of `millstream edge`, as plain functions that return the exit code."""

import asyncio
import json
import sys
from pathlib import Path

from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused
from edge_agent.fit import LineUse
from edge_agent.plan import DevicePlan, lines, plan
from edge_agent.telemetry import set_up_logging

DONE, NO, BAD_CONFIGURATION = 0, 1, 2


def run(config: Path) -> int:
    """Run the agent until it is told to stop; 1 when it could not start, 2 when the configuration has problems."""
    try:
        loaded = load(config)
    except ConfigRefused as error:
        _print_problems(error, as_json=False)
        return BAD_CONFIGURATION
    return _run(config, loaded)


def check(config: Path, as_json: bool) -> int:
    """Validate and print what would be read, in how many requests, and if it fits; 2 when there are problems."""
    try:
        loaded = load(config)
    except ConfigRefused as error:
        _print_problems(error, as_json=as_json)
        return BAD_CONFIGURATION
    plans, uses = plan(loaded), lines(loaded)
    if as_json:
        found: dict[str, object] = {"agent": loaded.agent.id, "revision": loaded.revision}
        found["devices"] = [device.as_dict() for device in plans]
        found["lines"] = [use.as_dict() for use in uses]
        print(json.dumps(found))
    else:
        _print_plans(loaded, plans)
        _print_uses(uses)
    return DONE


def _run(path: Path, loaded: AgentConfig) -> int:
    from edge_agent.agent import Agent
    from edge_agent.outbox import OutboxUnavailable
    from edge_agent.salvage import OutboxInUse

    set_up_logging(loaded.agent.log)
    try:
        agent = Agent(path, loaded)
    except (OutboxInUse, OutboxUnavailable, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return NO
    asyncio.run(agent.run())
    return DONE


def _print_problems(error: ConfigRefused, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"problems": [problem.as_dict() for problem in error.problems]}))
        return
    for problem in error.problems:
        print(problem, file=sys.stderr)
    print(f"{len(error.problems)} problem(s); nothing was started", file=sys.stderr)


def _print_plans(loaded: AgentConfig, plans: list[DevicePlan]) -> None:
    print(f"agent {loaded.agent.id}: {len(plans)} device(s), {sum(p.tags for p in plans)} tag(s)")
    for device in plans:
        print(f"  {device.name} ({device.kind}): {device.tags} tag(s), {len(device.requests)} request(s)")
        for request in device.requests:
            print(f"    {request.scan}: {request.text} - {request.points} tag(s)")
        for cycle in device.cycles:
            print(f"    {cycle.scan}: {1000 * cycle.cycle_s:.0f} ms of {1000 * cycle.period_s:g} ms ({cycle.basis})")
        for sentence in device.advice:
            print(f"    advice: {sentence}")


def _print_uses(uses: list[LineUse]) -> None:
    for use in uses:
        print(f"  line {use.line}: {use.share:.0%} of the time for {', '.join(use.devices)}: {use.verdict}")
        for sentence in use.advice:
            print(f"    advice: {sentence}")
