"""What callers do, seen in the answers that they get: guessing, scanning (pure)."""

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.kinds import EventKind, Sighting
from cloud_api.guard.recent import Recent
from cloud_api.witness import Answer

_LOGIN = frozenset({"login-refused", "login-locked"})
_NOT_THERE = frozenset({401, 403, 404, 405})


class CallerWatch:
    """Counts refusals by name, address and caller, in this process."""

    def __init__(self, settings: GuardSettings) -> None:
        self._settings = settings
        self._by_name = Recent(settings.window_s, settings.logins_per_name)
        self._by_address = Recent(settings.window_s, settings.logins_per_address)
        self._by_caller = Recent(settings.window_s, settings.scan_refusals)

    def see(self, answer: Answer, now_s: float) -> list[Sighting]:
        """Say what this answer completes."""
        if answer.status not in _NOT_THERE and answer.problem not in _LOGIN:
            return []
        if answer.problem in _LOGIN:
            return self._login(answer, now_s)
        return [] if answer.problem == "second-factor-needed" else self._scan(answer, now_s)

    def _login(self, answer: Answer, now_s: float) -> list[Sighting]:
        found: list[Sighting] = []
        name, address = answer.origin.name, answer.origin.address or "?"
        limits = self._settings
        if name is not None and self._by_name.add(name, now_s)[0] >= limits.logins_per_name:
            found.append(Sighting(EventKind.LOGINS_OF_NAME, name, self._least(limits.logins_per_name)))
        if self._by_address.add(address, now_s)[0] >= limits.logins_per_address:
            found.append(Sighting(EventKind.LOGINS_FROM_ADDRESS, address, self._least(limits.logins_per_address)))
        return found

    def _scan(self, answer: Answer, now_s: float) -> list[Sighting]:
        """Many refusals of one caller at different places; one page that asks for one thing again and again is none."""
        origin = answer.origin
        who = origin.name if origin.is_proved and origin.name else origin.address or "?"
        what = hash((answer.method, answer.path))
        count, places = self._by_caller.add(who, now_s, what)
        if count < self._settings.scan_refusals or places < self._settings.scan_places:
            return []
        return [Sighting(EventKind.SCAN, who, self._least(count))]

    def _least(self, count: int) -> str:
        return f">= {count} / {self._settings.window_s:g} s"
