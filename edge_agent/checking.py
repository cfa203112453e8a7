"""`edge check`: what a configuration would have an agent read, or everything that is wrong with it."""

import json
import sys
from pathlib import Path

from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused
from edge_agent.fit import LineUse
from edge_agent.plan import DevicePlan, lines, plan

DONE, BAD_CONFIGURATION = 0, 2


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


def _print_problems(error: ConfigRefused, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"problems": [problem.as_dict() for problem in error.problems]}))
        return
    print(error.report(), file=sys.stderr)


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
