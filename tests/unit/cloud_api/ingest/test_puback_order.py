"""PUBACKs leave in the order in which messages came, whatever order they are done in."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.ingest.puback_order import PubackOrder


@given(st.permutations(range(12)))
def test_order_of_arrival_is_kept(done_order: list[int]) -> None:
    order = PubackOrder()
    tickets = [order.arrive(100 + n) for n in range(12)]
    released: list[int] = []
    finished: set[int] = set()
    for n in done_order:
        released += tickets[n].done()
        finished.add(n)
        expected = next((n for n in range(12) if n not in finished), 12)
        assert released == [100 + n for n in range(expected)]
    assert len(order) == 0
