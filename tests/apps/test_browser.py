"""The pages in a real browser: ask, open a citation, see the words marked and in view, at a desk and on a phone."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from fmapps import Corpus
from fmapps.vertical import load
from tests.apps.servers import running

pytestmark = [pytest.mark.browser, pytest.mark.weights, pytest.mark.slow]

Served: TypeAlias = tuple[str, str, Path]
"""A running page: its vertical, its address and its home."""

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "out" / "apps"
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
"""Flags that keep the browser's own errands off the network."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "there is no Chromium on this machine: install the package chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["law", "healthcare", "education"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp(request.param)
    command = [sys.executable, "-m", "apps.common.launch", request.param, "--port", "0", "--no-browser"]
    with running(command, folder=home, environment={"FMAPPS_APP_HOME": str(home)}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url + process.stdout.read()
        yield request.param, url, home


class Visit:
    """One browser tab on a page, and every host it talked to."""

    def __init__(self, browser: Browser, url: str, size: str) -> None:
        width, height = SIZES[size]
        self.page: Page = browser.new_page(viewport={"width": width, "height": height})
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        self.page.on("request", lambda request: self._host(request.url))
        self.page.on("websocket", lambda socket: self._host(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)
        self.page.locator(".fm-title").wait_for(timeout=120_000)

    def _host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"}:
            self.hosts.add(parts.hostname or "")

    def ask(self, question: str, number: int = 1) -> None:
        field = self.page.get_by_test_id("stChatInputTextArea")
        field.fill(question)
        field.press("Enter")
        self.page.locator(f"#question-{number}").wait_for(timeout=120_000)
        self.page.get_by_role("button", name="Clear this conversation").wait_for()

    @property
    def citations(self) -> Locator:
        """The numbers to choose."""
        return self.page.locator('[class*="st-key-cite-"] button').locator("visible=true")

    def open_citation(self) -> str:
        """Open the first citation; returns the words that are marked."""
        self.citations.first.click()
        mark = self.page.locator(".fm-reader mark.fm-cited")
        mark.wait_for()
        self.page.wait_for_function("document.activeElement.className === 'fm-reader'")
        words: str = mark.evaluate("mark => mark.textContent")
        return words

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)


@contextmanager
def visiting(browser: Browser, url: str, size: str) -> Iterator[Visit]:
    """A visit during which nothing leaves this machine and no script of the page fails."""
    visit = Visit(browser, url, size)
    try:
        yield visit
        assert visit.hosts == {"127.0.0.1"}, "the page talked to another machine"
        assert not visit.errors
    finally:
        visit.page.close()


def in_view(visit: Visit, selector: str) -> bool:
    """Whether the element's first line is inside the window, with nothing over it."""
    return bool(
        visit.evaluate(
            f"""() => {{
                const element = document.querySelector('{selector}');
                const line = element.getClientRects()[0];
                const seen = document.elementFromPoint(line.left + 2, line.top + line.height / 2);
                return seen !== null && element.contains(seen) && line.bottom <= window.innerHeight;
            }}"""
        )
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_question_is_answered_and_its_citation_shows_the_exact_words_in_their_source(
    size: str, browser: Browser, served: Served
) -> None:
    name, url, home = served
    with visiting(browser, url, size) as visit:
        visit.picture(f"{name}-{size}-start")
        visit.ask(load(name).examples[0])
        visit.citations.first.wait_for()
        visit.picture(f"{name}-{size}-answer")
        words = visit.open_citation()
        assert in_view(visit, ".fm-reader mark.fm-cited")
        assert in_view(visit, ".fm-source-title")
        visit.picture(f"{name}-{size}-source")
        place = re.search(r"characters ([\d,]+) to ([\d,]+)", visit.page.locator(".st-key-fm-source").inner_text())
        assert place
        start, end = (int(number.replace(",", "")) for number in place.groups())
        title = visit.page.locator(".fm-source-title").inner_text()
        with Corpus.open(home / name / "samples.fmapps", read_only=True) as corpus:
            cited = next(summary.id for summary in corpus.documents() if summary.title == title)
            assert words == corpus.get(cited).text[start:end]
        assert visit.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
        visit.page.get_by_role("button", name="Close source").click()
        visit.page.locator(".fm-reader").wait_for(state="detached")


def test_silence_is_shown_and_the_notice_stays_in_view(browser: Browser, served: Served) -> None:
    name, url, _ = served
    with visiting(browser, url, "phone") as visit:
        visit.ask("Which alloy was used for the hull of the submarine Aurelia in 1931?")
        visit.page.get_by_text("No answer from these documents").wait_for()
        visit.picture(f"{name}-phone-silence")
        visit.page.get_by_test_id("stMain").hover()
        visit.page.mouse.wheel(0, 3000)
        box = visit.page.locator(".fm-notice").bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= visit.evaluate("window.innerHeight")


def test_a_crisis_stays_at_the_top_however_far_one_scrolls(browser: Browser, served: Served) -> None:
    name, url, _ = served
    with visiting(browser, url, "phone") as visit:
        visit.ask(load(name).examples[0])
        visit.ask("I want to kill myself", number=2)
        banner = visit.page.locator(".fm-urgent")
        banner.wait_for()
        visit.page.get_by_test_id("stMain").hover()
        visit.page.mouse.wheel(0, 3000)
        visit.page.wait_for_timeout(300)
        visit.picture(f"{name}-phone-urgent")
        box = banner.bounding_box()
        assert box
        assert 0 <= box["y"] < 120


def test_a_citation_opens_and_closes_by_keyboard_alone(browser: Browser, served: Served) -> None:
    name, url, _ = served
    with visiting(browser, url, "desk") as visit:
        visit.ask(load(name).examples[0])
        visit.citations.first.wait_for()
        focused = "(document.activeElement.closest('[class*=\"st-key-\"]') || document.body).className"
        for _ in range(60):
            if "st-key-cite-" in visit.evaluate(focused):
                break
            visit.page.keyboard.press("Tab")
        else:
            pytest.fail("no citation is reached with the Tab key")
        assert visit.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        visit.page.keyboard.press("Enter")
        visit.page.locator(".fm-reader mark.fm-cited").wait_for()
        visit.page.wait_for_function("document.activeElement.className === 'fm-reader'")
        visit.page.keyboard.press("Shift+Tab")
        visit.page.keyboard.press("Enter")
        visit.page.locator(".fm-reader").wait_for(state="detached")
