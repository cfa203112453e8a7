"""Fixtures for all tests; each real service has one file in `fixtures`."""

from hypothesis import settings

# No test depends on the machine's speed, hypothesis's own time limit included.
settings.register_profile("millstream", deadline=None, print_blob=True)
settings.load_profile("millstream")

pytest_plugins = (
    "tests.fixtures.processes",
    "tests.fixtures.database",
    "tests.fixtures.broker",
    "tests.fixtures.mailbox",
    "tests.fixtures.identity_provider",
    "tests.fixtures.proxy",
    "tests.fixtures.modbus_plc",
    "tests.fixtures.stack",
)
