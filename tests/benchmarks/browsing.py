"""A browser for benchmarks, and what it has to be asked so that it says when something was really on the screen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

# Content is there, the frame that draws it has begun, and what was queued behind it runs: only then it was painted.
PAINTED = """window.benchPainted = null;
(() => {
  const look = () => document.body && WANTED.every((each) => document.querySelector(each))
    ? requestAnimationFrame(() => setTimeout(() => { window.benchPainted = performance.now(); }))
    : requestAnimationFrame(look);
  look();
})()"""
OVERVIEW = [".ms-figure-tile", ".ms-lines .ms-line", ".ms-tree-row", ".ms-report-figures", ".ms-banner-counts"]
LOG_IN = ["button[type=submit]"]

# When each alarm's row came into sight, in ms since the Unix epoch, by the name of its tag.
SEEN = """() => {
  window.benchSeen = {};
  const look = () => {
    for (const cell of document.querySelectorAll('.ms-grid .ag-row [col-id="tag"]')) {
      const name = cell.textContent.trim();
      if (!name || name in benchSeen) continue;
      requestAnimationFrame(() => setTimeout(() => { benchSeen[name] ??= Date.now(); }));
    }
  };
  look();
  const every = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.querySelector(".ms-grid"), every);
}"""

# From the choice of a span until the chart has rendered curves of that span, in ms.
DRAWN = """async ([range, leastMs, leastPoints]) => {
  const { echarts } = await import("nicegui-echart");
  const chart = echarts.getInstanceByDom(document.getElementById("mt-chart"));
  const select = document.getElementById("mt-range");
  const started = performance.now();
  return await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${range} is not drawn within a minute`)), 60_000);
    const look = () => {
      const drawn = chart.getModel();
      const { min, max } = drawn.getComponent("xAxis").option;
      const points = drawn.getSeries().reduce((sum, each) => sum + each.getData().count(), 0);
      if (max - min < leastMs || max - min > leastMs * 1.5 || points < leastPoints) return;
      chart.off("rendered", look);
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started)));
    };
    chart.on("rendered", look);
    select.value = range;
    select.dispatchEvent(new Event("change"));
  });
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is not installed (Debian, Ubuntu: sudo apt-get install chromium)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def painted_s(page: Page, address: str, wanted: list[str]) -> float:
    """Seconds from the navigation until all of this is painted."""
    page.goto(address, wait_until="commit")
    page.evaluate(PAINTED.replace("WANTED", str(wanted)))
    page.wait_for_function("window.benchPainted")
    painted: float = page.evaluate("window.benchPainted")
    return painted / 1000
