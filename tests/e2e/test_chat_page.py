"""The chat example as people meet it: the real server, and windows of a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
"""Seconds for a server to answer and for a page to show something, on a busy machine."""

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Server:
    """`bytesocket dev examples/chat` as a process, on one port over restarts."""

    def __init__(self, log: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        paths = [str(ROOT), str(ROOT / "cli"), str(ROOT / "templates")]
        command = [sys.executable, "-m", "bytesocket_cli", "dev", "examples/chat", "--no-reload"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server does not answer:\n{self._log.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it the hard way: no goodbye to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE)

    def _answers(self) -> bool:
        try:
            with urlopen(self.url, timeout=DEADLINE) as response:
                return bool(response.status == 200)
        except (URLError, ConnectionError):
            return False


@pytest.fixture
def server(tmp_path: Path) -> Generator[Server]:
    server = Server(tmp_path / "server.log")
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((found for name in names if (found := shutil.which(name))), None)
    if chromium is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(names)} is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        with closing(browser):
            yield browser


@contextmanager
def windows(browser: Browser, server: Server, tmp_path: Path, *names: str) -> Generator[list[Page]]:
    """Open a window for each name and log in; leave screenshots behind when the test fails."""
    with ExitStack() as contexts:
        pages: list[Page] = []
        mishaps: list[str] = []
        try:
            for name in names:
                page = contexts.enter_context(closing(browser.new_context())).new_page()
                page.set_default_timeout(DEADLINE * 1000)
                page.on("pageerror", lambda error: mishaps.append(str(error)))
                pages.append(page)
                page.goto(server.url)
                if name:
                    log_in(page, name)
            yield pages
            assert not mishaps, "the page's scripts failed"
        except BaseException:
            for number, page in enumerate(pages):
                page.screenshot(path=tmp_path / f"window-{number}.png")
            raise


@pytest.fixture(autouse=True)
def patience() -> None:
    expect.set_options(timeout=DEADLINE * 1000)


def log_in(page: Page, name: str) -> None:
    page.get_by_test_id("name").fill(name)
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("chat")).to_be_visible()


def post(page: Page, text: str) -> None:
    page.get_by_test_id("text").fill(text)
    page.get_by_test_id("send").click()


def test_two_people_see_each_other_join_type_post_and_leave(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada", "Grace") as (ada, grace):
        for page in (ada, grace):
            expect(page.get_by_test_id("state")).to_have_text("Connected")
            expect(page.get_by_test_id("people").locator(".who")).to_have_text(["Ada", "Grace"])
        expect(ada.get_by_test_id("note")).to_have_text("Grace joined")

        grace.get_by_test_id("text").press_sequentially("Hel")
        expect(ada.get_by_test_id("typing")).to_have_text("Grace is typing…")
        expect(grace.get_by_test_id("typing")).to_be_empty()

        grace.get_by_test_id("text").press_sequentially("lo")
        grace.get_by_test_id("text").press("Enter")
        for page in (ada, grace):
            expect(page.get_by_test_id("message").locator(".text")).to_have_text("Hello")
        expect(ada.get_by_test_id("typing")).to_be_empty()
        expect(grace.get_by_test_id("text")).to_have_value("")
        expect(grace.get_by_test_id("pending")).to_have_count(0)

        grace.get_by_test_id("leave").click()
        expect(grace.get_by_test_id("login")).to_be_visible()
        expect(ada.get_by_test_id("note").last).to_have_text("Grace left")
        expect(ada.get_by_test_id("people-count")).to_have_text("1")


def test_newcomers_see_what_was_said_and_markup_stays_text(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    markup = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
    with windows(browser, server, tmp_path, "<i>Ada</i>", "") as (ada, late):
        post(ada, markup)
        expect(ada.get_by_test_id("message")).to_have_count(1)
        log_in(late, "Grace")
        expect(late.get_by_test_id("message").locator(".text")).to_have_text(markup)
        expect(late.get_by_test_id("message").locator(".author")).to_have_text("<i>Ada</i>")
        expect(late).to_have_title("Chat")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "There is nothing to post: please write something first."),
        (" \n ", "There is nothing to post: please write something first."),
        ("x" * 501, "That message is too long: at most 500 characters."),
    ],
    ids=["empty", "blank", "too-long"],
)
def test_a_refused_post_says_why_and_comes_back_to_the_writer(
    browser: Browser, server: Server, tmp_path: Path, text: str, reason: str
) -> None:
    with windows(browser, server, tmp_path, "Ada") as (ada,):
        post(ada, text)
        expect(ada.get_by_test_id("refusal")).to_have_text(reason)
        expect(ada.get_by_test_id("text")).to_have_value(text)
        expect(ada.get_by_test_id("pending")).to_have_count(0)
        post(ada, "better")
        expect(ada.get_by_test_id("message").locator(".text")).to_have_text("better")
        expect(ada.get_by_test_id("refusal")).to_be_hidden()


def test_a_refused_name_says_why(browser: Browser, server: Server, tmp_path: Path) -> None:
    with windows(browser, server, tmp_path, "Ada", "") as (_, second):
        refusals = {
            "": "Please enter a name.",
            "x" * 25: "That name is too long: at most 24 characters.",
            "ada": "Somebody is already called Ada. Please take another name.",
        }
        for name, reason in refusals.items():
            second.get_by_test_id("name").fill(name)
            second.get_by_test_id("enter").click()
            expect(second.get_by_test_id("login-refusal")).to_have_text(reason)
        log_in(second, "Grace")


def test_windows_come_back_after_the_server_died_and_nothing_typed_is_lost(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada", "Grace") as (ada, grace):
        post(ada, "before")
        expect(grace.get_by_test_id("message").locator(".text")).to_have_text("before")

        server.kill()
        for page in (ada, grace):
            expect(page.get_by_test_id("state")).not_to_have_text("Connected")
        post(ada, "meanwhile, one")
        post(ada, "meanwhile, two")
        expect(ada.get_by_test_id("pending")).to_have_count(2)
        ada.get_by_test_id("text").fill("a draft")

        server.start()
        said = ["before", "meanwhile, one", "meanwhile, two"]
        for page in (ada, grace):
            expect(page.get_by_test_id("state")).to_have_text("Connected")
            expect(page.get_by_test_id("people").locator(".who")).to_have_text(["Ada", "Grace"])
            expect(page.get_by_test_id("message").locator(".text")).to_have_text(said)
        expect(ada.get_by_test_id("pending")).to_have_count(0)
        expect(ada.get_by_test_id("text")).to_have_value("a draft")

        post(grace, "welcome back")
        expect(ada.get_by_test_id("message").locator(".text").last).to_have_text("welcome back")


def test_a_reload_keeps_the_login_the_draft_and_what_was_not_sent(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada") as (ada,):
        ada.get_by_test_id("text").fill("a draft")
        ada.reload()
        expect(ada.get_by_test_id("chat")).to_be_visible()
        expect(ada.get_by_test_id("state")).to_have_text("Connected")
        expect(ada.get_by_test_id("text")).to_have_value("a draft")
