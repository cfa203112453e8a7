"""Fixtures for all tests; each real service has one file in `fixtures`."""

pytest_plugins = (
    "tests.fixtures.processes",
    "tests.fixtures.database",
    "tests.fixtures.broker",
    "tests.fixtures.proxy",
    "tests.fixtures.modbus_plc",
    "tests.fixtures.stack",
)
