"""The console asks for the orders that the list of alarms has, and for no other."""

from cloud_api.console.pages.alarms.listing import COLUMNS, FALLING, ORDERS, SORTS
from cloud_api.storage.alarm_list import AlarmOrder


def test_every_order_of_the_route_can_be_chosen_once():
    assert sorted(ORDERS) == sorted(AlarmOrder)


def test_two_presses_on_a_head_fall_and_rise():
    assert set(COLUMNS) >= SORTS.keys()
    assert all(len({order in FALLING for order in both}) == 2 for both in SORTS.values())
