"""Which services of Apprise may be addressed, and what of an address is no secret (pure)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Service:
    """A chat or SMS service; a hosted one stands where its address says, so that place is checked before each call."""

    name: str
    schemes: tuple[str, ...]
    is_self_hosted: bool = False


_SERVICES = (
    Service("46elks", ("46elks", "elks")),
    Service("AWS SES", ("ses",)),
    Service("AWS SNS", ("sns",)),
    Service("BulkSMS", ("bulksms",)),
    Service("Cisco Webex", ("wxteams", "webex")),
    Service("ClickSend", ("clicksend",)),
    Service("CM.com", ("cm",)),
    Service("D7 Networks", ("d7sms",)),
    Service("DingTalk", ("dingtalk",)),
    Service("Discord", ("discord",)),
    Service("Feishu", ("feishu",)),
    Service("Google Chat", ("gchat",)),
    Service("Gotify", ("gotify", "gotifys"), is_self_hosted=True),
    Service("ilert", ("ilert",)),
    Service("Infobip", ("infobip",)),
    Service("Lark", ("lark",)),
    Service("Line", ("line",)),
    Service("Mailgun", ("mailgun",)),
    Service("Matrix", ("matrix", "matrixs"), is_self_hosted=True),
    Service("Mattermost", ("mmost", "mmosts"), is_self_hosted=True),
    Service("MessageBird", ("msgbird",)),
    Service("Microsoft Teams", ("workflow", "workflows"), is_self_hosted=True),
    Service("MSG91", ("msg91",)),
    Service("ntfy", ("ntfy", "ntfys"), is_self_hosted=True),
    Service("Office 365", ("o365", "azure")),
    Service("Opsgenie", ("opsgenie",)),
    Service("PagerDuty", ("pagerduty",)),
    Service("Plivo", ("plivo",)),
    Service("Pushover", ("pover",)),
    Service("PushPlus", ("pushplus",)),
    Service("Rocket.Chat", ("rocket", "rockets"), is_self_hosted=True),
    Service("SendGrid", ("sendgrid",)),
    Service("ServerChan", ("schan",)),
    Service("seven", ("seven",)),
    Service("SIGNL4", ("signl4",)),
    Service("Sinch", ("sinch",)),
    Service("Slack", ("slack",)),
    Service("SMS Eagle", ("smseagle", "smseagles"), is_self_hosted=True),
    Service("Synology Chat", ("synology", "synologys"), is_self_hosted=True),
    Service("Telegram", ("tgram",)),
    Service("Telnyx", ("telnyx",)),
    Service("Twilio", ("twilio",)),
    Service("Vonage", ("vonage", "nexmo")),
    Service("WeCom", ("wecombot",)),
    Service("WhatsApp", ("whatsapp",)),
    Service("WxPusher", ("wxpusher",)),
    Service("Zulip", ("zulip",)),
)
SERVICES = {scheme: service for service in _SERVICES for scheme in service.schemes}


def find_service(address: str) -> Service:
    """Find whose address it is; ValueError names what is allowed and never the address."""
    scheme, separator, rest = address.partition("://")
    service = SERVICES.get(scheme.lower())
    if not separator or not rest or service is None:
        raise ValueError(f"is not the address of a known service; allowed: {', '.join(sorted(SERVICES))}")
    return service


def hide_secrets(text: str, secrets: list[str]) -> str:
    """Take secrets, and every part of one that could be a secret itself, out of a text that will be shown."""
    parts = {part for secret in secrets for part in _parts(secret)}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


def _parts(secret: str) -> set[str]:
    words = {secret, unquote(secret)}
    if "://" in secret:
        words |= set(re.split(r"[:/@?&=,#]+", secret.partition("://")[2]))
        words |= {unquote(word) for word in words}
        words -= {urlsplit(secret).scheme}
    return {word for word in words if len(word) >= 4}
