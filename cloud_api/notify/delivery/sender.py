"""One message to one channel, beside the event loop: which kind of channel, and what of a failure may be told."""

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cloud_api.notify.configuration.services import hide_secrets
from cloud_api.notify.delivery.apprise_services import send_by_service, send_mail
from cloud_api.notify.outbox.messages import Message
from cloud_api.outbound.addresses import Network
from cloud_api.outbound.failures import SendFailed, SendRefused
from cloud_api.outbound.webhook import post
from cloud_api.storage.notification_configuration import ChannelRow

THREADS = 8
LONGEST_REASON = 500


class Sender:
    """Sends messages in threads of its own, since the libraries block."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="notify")

    async def send(self, channel: ChannelRow, message: Message) -> None:
        """Send; SendFailed and SendRefused have reasons without secrets."""
        secrets: dict[str, str] = json.loads(channel.secrets)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._send, channel, secrets, message)
        except SendRefused as error:
            raise SendRefused(_reason(error, secrets)) from None
        except SendFailed as error:
            raise SendFailed(_reason(error, secrets), error.wait_s) from None
        except Exception as error:  # noqa: BLE001 # a library's own mistake is a failure like others
            # Its text may hold anything, so only its kind is told.
            raise SendFailed(type(error).__name__) from None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, channel: ChannelRow, secrets: dict[str, str], message: Message) -> None:
        settings = json.loads(channel.settings)
        match channel.kind:
            case "email":
                send_mail(settings, secrets.get("password"), message.id, message.subject, message.text)
            case "webhook":
                now_s = int(time.time())
                post(settings["url"], secrets["secret"], message.id, message.document, now_s, self._allowed)
            case _:
                send_by_service(secrets["address"], message.subject, message.text, self._allowed)


def _reason(error: Exception, secrets: dict[str, str]) -> str:
    return hide_secrets(" ".join(str(error).split()), list(secrets.values()))[:LONGEST_REASON]
