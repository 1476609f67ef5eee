"""The chat example as a process, and browser windows in which people are logged in."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

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
    "--no-proxy-server",
]


class Server:
    """`bytesocket dev` as a process, of the chat or of another folder; one port over restarts.

    With options it is `bytesocket run` with these.
    """

    def __init__(
        self,
        port: int,
        log: Path,
        folder: str | Path = "examples/chat",
        options: Sequence[str] = (),
    ) -> None:
        self.port = port
        command = ["run", "--host", "127.0.0.1", *options] if options else ["dev", "--no-reload"]
        self._command = [*command, str(folder)]
        self.url = f"http://127.0.0.1:{port}/"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        paths = [str(ROOT), str(ROOT / "cli"), str(ROOT / "templates")]
        command = [sys.executable, "-m", "bytesocket_cli", *self._command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,
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
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGKILL)
            self._process.wait(DEADLINE)

    def pause(self) -> None:
        """Let it hang: connections stay, answers do not come."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the command and to the worker that it started."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _answers(self) -> bool:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            try:
                connection.request("GET", "/")
                return connection.getresponse().status == 200
            except OSError:
                return False


@contextmanager
def chromium_browser() -> Generator[Browser]:
    """Start the machine's own Chromium; skip the test when there is none."""
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
            assert mishaps == []
        except BaseException:
            for number, page in enumerate(pages):
                page.screenshot(path=tmp_path / f"window-{number}.png")
            raise


def log_in(page: Page, name: str) -> None:
    page.get_by_test_id("name").fill(name)
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("chat")).to_be_visible()


def post(page: Page, text: str) -> None:
    page.get_by_test_id("text").fill(text)
    page.get_by_test_id("send").click()
