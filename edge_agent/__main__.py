"""`millstream edge run`, as a plain function that returns the exit code."""

import asyncio
import sys
from pathlib import Path

from edge_agent.config_problems import ConfigRefused
from edge_agent.reading import Reading, ReadingFailed
from edge_agent.telemetry import set_up_logging

DONE, NO, BAD_CONFIGURATION = 0, 1, 2


def run(config: Path) -> int:
    """Run the agent until it is told to stop; 1 when it could not start, 2 when the configuration has problems."""
    try:
        with Reading(config) as reading:
            from edge_agent.agent import Agent  # takes as long to load as the files take to be read
            from edge_agent.outbox_file import OutboxUnavailable
            from edge_agent.salvage import OutboxInUse

            loaded = reading.result()
    except ConfigRefused as error:
        print(error.report(), file=sys.stderr)
        return BAD_CONFIGURATION
    except (ReadingFailed, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return NO
    set_up_logging(loaded.agent.log)
    try:
        agent = Agent(config, loaded)
    except (OutboxInUse, OutboxUnavailable, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return NO
    asyncio.run(agent.run())
    return DONE
