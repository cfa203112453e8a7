"""Real browsers on the real console: one demonstration of the plant for the whole tier, Debian's Chromium before it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, sync_playwright

from tests.acceptance.demo import Demo

PATIENCE_MS = 30_000
SESSIONS = pytest.StashKey[dict[str, StorageState]]()


@dataclass
class Tab:
    """One tab of a browser, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    url: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._on_message)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))
        self.page.on("requestfailed", lambda request: self._on_failed(request.url, request.failure or ""))

    def _on_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{self.page.url}: {message.type}: {message.text}")

    def _on_failed(self, url: str, failure: str) -> None:
        # What a page still asks for when it is left is given up, rightly.
        if "ERR_ABORTED" not in failure:
            self.troubles.append(f"{url}: {failure}")

    def open(self, address: str) -> "Tab":
        """Open a page and wait until it is alive."""
        self.page.goto(self.url + address)
        return self.settle()

    def settle(self) -> "Tab":
        """Wait until the page talks with the console and has been told of alarms."""
        self.page.wait_for_function("window.did_handshake === true")
        self.page.wait_for_selector(".ms-banner-alarm, .ms-banner-foremost .ms-muted")
        return self

    def choose(self, **cookies: str) -> "Tab":
        """Set language and theme as the switches do."""
        self.context.add_cookies(
            [{"name": f"millstream_{name}", "value": value, "url": self.url} for name, value in cookies.items()]
        )
        return self


OpenTab: TypeAlias = Callable[..., Tab]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The plant with its faults, three times as fast as real time."""
    running = Demo(tmp_path_factory.mktemp("demo") / "data", ["--speed", "3"]).wait_ready()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is not installed (Debian, Ubuntu: sudo apt-get install chromium)"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_tab(demo: Demo, browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenTab]:
    """Browsers of people who have logged in; each its own cookies."""
    contexts: list[BrowserContext] = []
    sessions = request.config.stash.setdefault(SESSIONS, {})

    def open_tab(width: int = 1280, height: int = 800, *, is_logged_in: bool = True) -> Tab:
        user = demo.outcome["user"]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Asia/Shanghai",
            storage_state=sessions.get(user) if is_logged_in else None,
        )
        contexts.append(context)
        tab = Tab(context.new_page(), context, demo.outcome["console"])
        if is_logged_in and user not in sessions:
            log_in(tab, user, demo.outcome["password"])
            sessions[user] = context.storage_state()
        return tab

    yield open_tab
    for context in contexts:
        context.close()


def log_in(tab: Tab, name: str, password: str, target: str = "/") -> None:
    """Log in by the form."""
    tab.page.goto(f"{tab.url}/login?next={target}")
    tab.page.fill("#name", name)
    tab.page.fill("#password", password)
    tab.page.click("button[type=submit]")
    tab.settle()
