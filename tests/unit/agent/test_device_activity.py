"""When devices gave input, and when they lost the desktop."""

from __future__ import annotations

from display_server.agent.device_activity import DEVICES_MAX, DeviceActivity
from display_server.protocol.agent_pages import DeviceReport


def test_reports_the_age_of_the_last_input() -> None:
    activity = DeviceActivity()
    activity.on_displayed("tablet")
    assert activity.reports(100) == [DeviceReport("tablet", None, None)]
    activity.on_input("tablet", 100)
    activity.on_input("tablet", 103)
    assert activity.reports(105) == [DeviceReport("tablet", 2, None)]


def test_the_first_loss_counts_until_the_device_has_the_desktop_again() -> None:
    activity = DeviceActivity()
    activity.on_lost("tablet", 100)
    activity.on_lost("tablet", 150)
    assert activity.reports(160) == [DeviceReport("tablet", None, 60)]
    activity.on_displayed("tablet")
    assert activity.reports(161) == [DeviceReport("tablet", None, None)]


def test_forgets_the_device_that_did_nothing_for_longest() -> None:
    activity = DeviceActivity()
    for number in range(DEVICES_MAX):
        activity.on_input(str(number), number)
    activity.on_input("0", 1000)
    activity.on_input("new", 1001)
    names = {report.device for report in activity.reports(1002)}
    assert len(names) == DEVICES_MAX
    assert "1" not in names
    assert {"0", "new"} <= names
