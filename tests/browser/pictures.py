"""Takes the pictures of the console that the READMEs show: `make pictures`, on a demonstration of its own."""

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.acceptance.demo import Demo
from tests.browser.conftest import Tab, log_in

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
# Twelve minutes of the plant, three times as fast: long enough for faults to come and go.
LIVED_S = 240
SETTLED_MS = 2_000
ALARMS = "document.querySelector('.ag-row .ms-prio') !== null"
TREND = (
    "window.msTrend?.model.series.length > 0 && !msTrend.isLoading"
    " && msTrend.model.series.every((each) => each.curve?.rows.length)"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as somebody sees it."""

    name: str
    address: str
    # What the browser says yes to once everything is drawn; a loaded machine takes longer than any pause.
    drawn: str
    language: str = "en"
    theme: str = "light"
    width: int = 1280
    height: int = 800


HALL = "hangzhou/moulding/hall-1"
PICTURES = (
    Picture("alarms", "/alarms", ALARMS, theme="dark"),
    Picture("trends.zh", f"/trends?path={HALL}/imm-1/zone-*/temperature&range=15m", TREND, language="zh"),
)


def main() -> int:
    """Start the plant, let it live, look at each page."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder) / "data", ["--speed", "3"]).wait_ready()
        time.sleep(LIVED_S)
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(locale="en-GB", timezone_id="Asia/Shanghai")
        tab = Tab(context.new_page(), context, demo.outcome["console"])
        log_in(tab, demo.outcome["user"], demo.outcome["password"])
        for picture in PICTURES:
            tab.page.set_viewport_size({"width": picture.width, "height": picture.height})
            tab.choose(language=picture.language, theme=picture.theme).open(picture.address)
            tab.page.wait_for_function(picture.drawn)
            tab.page.wait_for_timeout(SETTLED_MS)
            tab.page.screenshot(path=IMAGES / f"{picture.name}.png")
            print(f"docs/images/{picture.name}.png", flush=True)
        browser.close()
        demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
