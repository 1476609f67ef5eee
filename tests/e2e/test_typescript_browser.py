"""The generated client in a real browser, where a page hears of the network."""

from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from bytesocket_cli.codegen.typescript import javascript
from tests.support.chat_page import DEADLINE, chromium_browser
from tests.support.presence_app import app as desk
from tests.support.scripted_server import Peer
from tests.support.served import served_by
from tests.support.typescript_lab import Lab

REFUSAL = {
    "phase": "auth",
    "error": {"code": "unauthorized", "message": "Log in first.", "data": {"page": "/login"}},
    "code": 4003,
}
FAST = "reconnect: { min: 5, max: 20 }"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Generator[BrowserContext]:
    with closing(browser.new_context()) as context:
        context.set_default_timeout(DEADLINE * 1000)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def run(page: Page, lab: Lab, source: str) -> Any:
    """Run the body of a function that has `connect` of the open chat, and the server's `url`."""
    return page.evaluate(
        f"""
        async ([text, url]) => {{
          const blob = new Blob([text], {{ type: "text/javascript" }});
          const {{ connect }} = await import(URL.createObjectURL(blob));
          {source}
        }}
        """,
        [(lab.folder / "open.js").read_text(encoding="utf-8"), lab.server.url],
    )


def test_a_page_hears_why_it_was_turned_away_at_the_handshake(page: Page, lab: Lab) -> None:
    def turned_away(peer: Peer) -> None:
        peer.send({"type": 6, "data": REFUSAL})
        peer.connection.close(4003, "auth")

    lab.script.greets = turned_away
    told = run(
        page,
        lab,
        f"""
        const chat = connect(url, {{ {FAST} }});
        const reports = [];
        chat.onError(({{ code, message, data }}) => reports.push([code, message, data]));
        const asked = chat.request("ping").catch((error) => error);
        const error = await chat.ready.catch((error) => error);
        const {{ code, message, data }} = error;
        return [reports, [code, message, data], (await asked) === error, chat.ended === error];
        """,
    )
    why = ["unauthorized", "Log in first.", {"page": "/login"}]
    assert told == [[why], why, True, True]
    assert len(lab.server.peers) == 1


def test_a_page_does_not_come_back_after_a_final_close(page: Page, lab: Lab) -> None:
    lab.script.greets = lambda peer: peer.connection.close(4400, "closed for good")
    told = run(
        page,
        lab,
        f"""
        const chat = connect(url, {{ {FAST} }});
        chat.onError(() => {{}});
        const ending = await new Promise((resolve) =>
          chat.onState((state, ending) => state === "closed" && resolve(ending)));
        return [ending, chat.ended.code, chat.ended.closeCode, chat.ended.closeReason];
        """,
    )
    reason = "closed for good"
    assert told == [{"code": 4400, "reason": reason}, "disconnected", 4400, reason]
    assert len(lab.server.peers) == 1


def test_a_page_that_is_offline_queues_and_sends_once_it_is_back(page: Page, lab: Lab) -> None:
    run(
        page,
        lab,
        f"""
        globalThis.chat = connect(url, {{ {FAST} }});
        chat.onError(() => {{}});
        await chat.ready;
        """,
    )
    page.context.set_offline(True)
    page.wait_for_function("() => !navigator.onLine")
    assert page.evaluate("chat.emit('shout', 'while offline')") == "queued"
    page.context.set_offline(False)
    page.wait_for_function("() => navigator.onLine")

    sent = {"event": "shout", "data": "while offline"}
    lab.server.wait(lambda server: any(sent in received for received in server.log()))
    assert page.evaluate("chat.state") == "open"


def test_a_page_that_waits_dials_when_it_hears_of_the_network(page: Page, lab: Lab) -> None:
    """Its next attempt would be in minutes."""
    run(
        page,
        lab,
        """
        globalThis.chat = connect(url, { reconnect: { min: 600_000, max: 600_000 } });
        chat.onError(() => {});
        await chat.ready;
        """,
    )
    lab.server.kill()
    page.wait_for_function("() => chat.state === 'waiting'")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.evaluate("chat.ready")
    lab.server.kill()
    page.wait_for_function("() => chat.state === 'waiting'")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("chat.ready")
    assert len(lab.server.peers) == 3


def test_two_tabs_of_one_user_are_one_user_with_two_entries(context: BrowserContext) -> None:
    text, _ = javascript(desk.contract().document)

    def tab(port: int, name: str) -> Page:
        page = context.new_page()
        # A page of the server's own origin, which is let in: what it says of a page it has not.
        page.goto(f"http://127.0.0.1:{port}/")
        page.evaluate(
            """
            async ([text, url, auth]) => {
              const blob = new Blob([text], { type: "text/javascript" });
              const { connect } = await import(URL.createObjectURL(blob));
              globalThis.room = connect(url, { auth }).join("doc:{doc_id}", { doc_id: 7 });
              globalThis.shown = () => JSON.stringify(
                [...room.presence].map(([key, entries]) => [key, ...entries.map((e) => e.typing)]));
              await room.ready;
            }
            """,
            [text, f"ws://127.0.0.1:{port}/ws", name],
        )
        return page

    def shows(page: Page, people: str) -> None:
        page.wait_for_function("(people) => shown() === people", arg=people)

    with served_by("picows", "tests.support.presence_app:app") as port:
        bob = tab(port, "bob")
        first, second = tab(port, "ann"), tab(port, "ann")
        shows(bob, '[["bob",false],["ann",false,false]]')
        assert second.evaluate("room.presence.update({ typing: true })") == "sent"
        shows(bob, '[["bob",false],["ann",false,true]]')
        shows(first, '[["bob",false],["ann",false,true]]')
        second.close()
        shows(bob, '[["bob",false],["ann",false]]')
        first.close()
        shows(bob, '[["bob",false]]')
