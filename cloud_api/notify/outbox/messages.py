"""A notification's content to what people read: subject and text in their language, or JSON for a webhook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cloud_api.notify.outbox.items import PRIORITIES
from cloud_api.notify.wording import LANGUAGES, say

SHOWN_ALARMS = 20
SUBJECT_CHARACTERS = 180


@dataclass(frozen=True, slots=True)
class Message:
    """A notification as it leaves: under its id, which stays the same if it ever leaves twice."""

    id: UUID
    subject: str
    text: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a notification when it is written out."""

    id: UUID
    kind: str
    created_at: datetime
    channel: str
    route: str | None
    group: str | None
    step: int | None
    content: Mapping[str, Any]
    link: str | None


def write_message(letter: Letter, language: str) -> Message:
    """Write a notification in one language, or in both, English first."""
    languages = LANGUAGES if language == "both" else (language,)
    texts = [_text(letter, each) for each in languages]
    subject = " | ".join(_subject(letter, each) for each in languages)
    if len(subject) > SUBJECT_CHARACTERS:
        subject = subject[: SUBJECT_CHARACTERS - 1] + "…"
    return Message(letter.id, subject, "\n\n".join(texts) + "\n", _document(letter, subject))


def _subject(letter: Letter, language: str) -> str:
    alarms = _alarms(letter)
    if not alarms:
        return say(language, "subject", letter.kind)
    first = min(alarms, key=lambda alarm: PRIORITIES.index(alarm["priority"]))
    if letter.kind == "flood":
        first = {**alarms[0], "priority": first["priority"]}
    more = say(language, "subject", "more", count=_count(letter) - 1) if _count(letter) > 1 else ""
    return say(
        language,
        "subject",
        letter.kind,
        priority=say(language, "priority", first["priority"]),
        path=first["path"],
        message=first[f"message_{language}"] or first["name"] or "",
        what=_what(first, language),
        count=_count(letter),
        more=more,
    )


def _text(letter: Letter, language: str) -> str:
    alarms = _alarms(letter)
    step = (letter.step or 0) + 1
    lines = [say(language, "body", letter.kind, count=_count(letter), step=step, channel=letter.channel), ""]
    for alarm in alarms[:SHOWN_ALARMS]:
        lines += _lines(alarm, letter, language)
    hidden = _count(letter) - min(len(alarms), SHOWN_ALARMS)
    if alarms and hidden > 0:
        lines.append(say(language, "body", "more", count=hidden))
    if letter.group:
        lines += [say(language, "body", "group", group=letter.group)]
    if letter.link is not None:
        lines += ["", say(language, "body", "link", link=letter.link)]
    return "\n".join([*lines, "", say(language, "body", "id", id=letter.id)])


def _lines(alarm: Mapping[str, Any], letter: Letter, language: str) -> list[str]:
    zone = ZoneInfo(letter.content.get("zone") or "UTC")
    at = datetime.fromisoformat(alarm["at"]).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    head = say(
        language, "body", "line", priority=say(language, "priority", alarm["priority"]), at=at, path=alarm["path"]
    )
    facts = [alarm[f"message_{language}"] or alarm["name"] or ""]
    if letter.kind == "event":
        facts = [_what(alarm, language)]
        facts += [say(language, "body", "who", who=alarm["who"])] if alarm["event"] != "clear" else []
        facts += [alarm["comment"]] if alarm["comment"] else []
    else:
        facts += [say(language, "body", "value", value=f"{alarm['value']:g}")] if alarm["value"] is not None else []
        facts += [say(language, "body", "limit", limit=f"{alarm['limit']:g}")] if alarm["limit"] is not None else []
        facts += [say(language, "body", "times", count=alarm["count"])] if alarm.get("count", 1) > 1 else []
    return [head, "  " + " · ".join(fact for fact in facts if fact), ""]


def _what(alarm: Mapping[str, Any], language: str) -> str:
    return say(language, "event", alarm["event"]) if alarm["event"] not in {"raise", "level"} else ""


def _document(letter: Letter, subject: str) -> dict[str, Any]:
    """Build the body of a webhook; `type` and `timestamp` as Standard Webhooks wants them."""
    return {
        "type": f"millstream.{letter.kind}",
        "timestamp": letter.created_at.astimezone(UTC).isoformat(),
        "data": {
            "id": str(letter.id),
            "subject": subject,
            "route": letter.route,
            "group": letter.group,
            "step": letter.step,
            "alarm_count": _count(letter),
            "link": letter.link,
            "alarms": list(_alarms(letter)),
        },
    }


def _alarms(letter: Letter) -> Sequence[Mapping[str, Any]]:
    return letter.content.get("alarms", ())


def _count(letter: Letter) -> int:
    return int(letter.content.get("alarm_count", len(_alarms(letter))))
