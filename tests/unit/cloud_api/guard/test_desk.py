"""What waits for a database that is away."""

from cloud_api.guard.desk import added
from cloud_api.guard.kinds import EventKind


def test_what_happens_while_the_database_is_away_is_counted_too():
    earlier = {(EventKind.SCAN, "mallory"): ("20", 3), (EventKind.SCAN, "eve"): ("20", 1)}
    later = {(EventKind.SCAN, "mallory"): ("40", 2)}
    assert added(earlier, later) == {(EventKind.SCAN, "mallory"): ("40", 5), (EventKind.SCAN, "eve"): ("20", 1)}
    assert earlier[EventKind.SCAN, "mallory"] == ("20", 3)
