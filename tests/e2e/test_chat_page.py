"""The chat example as people meet it: the real server, and windows of a real browser."""

import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.support.brokers import running_broker
from tests.support.chat_page import DEADLINE, Server, chromium_browser, log_in, post, windows
from tests.support.ports import reserved_port
from tests.support.server_process import environment

PHONE = ViewportSize(width=390, height=780)


@pytest.fixture
def server(tmp_path: Path) -> Generator[Server]:
    with reserved_port() as port:
        server = Server(port, tmp_path / "server.log")
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(autouse=True)
def patience() -> None:
    expect.set_options(timeout=DEADLINE * 1000)


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
            "ada": "Somebody is already called ada. Please take another name.",
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


def test_a_post_without_an_answer_is_marked_and_can_be_sent_again(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "") as (ada,):
        ada.clock.install()
        ada.reload()
        log_in(ada, "Ada")
        server.pause()
        post(ada, "anybody?")
        pending = ada.get_by_test_id("pending")
        expect(pending).to_contain_text("Sending…")
        ada.clock.fast_forward("00:11")
        expect(pending).to_contain_text("Not sent. The server did not answer.")
        server.resume()
        expect(ada.get_by_test_id("message").locator(".text")).to_have_text("anybody?")
        expect(pending).to_have_count(0)


def test_a_refused_post_waits_in_the_list_while_something_else_is_written(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada") as (ada,):
        server.pause()
        post(ada, "x" * 501)
        ada.get_by_test_id("text").fill("the next one")
        server.resume()
        pending = ada.get_by_test_id("pending")
        expect(pending).to_contain_text("Not sent. That message is too long")
        expect(ada.get_by_test_id("text")).to_have_value("the next one")
        pending.get_by_role("button", name="Edit").click()
        expect(ada.get_by_test_id("text")).to_have_value("x" * 501 + "\nthe next one")
        expect(pending).to_have_count(0)


def test_a_reload_keeps_the_login_the_draft_and_what_was_not_sent(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada") as (ada,):
        server.kill()
        expect(ada.get_by_test_id("state")).not_to_have_text("Connected")
        post(ada, "not sent yet")
        ada.get_by_test_id("text").fill("a draft")
        server.start()
        ada.reload()
        expect(ada.get_by_test_id("chat")).to_be_visible()
        expect(ada.get_by_test_id("state")).to_have_text("Connected")
        expect(ada.get_by_test_id("text")).to_have_value("a draft")
        expect(ada.get_by_test_id("message").locator(".text")).to_have_text("not sent yet")


def test_names_beyond_the_edge_of_a_phone_fade_out_where_there_are_more(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    names = ("Ada Lovelace", "Grace Hopper", "Margaret Hamilton")
    with windows(browser, server, tmp_path, *names) as (page, *_):
        people = page.get_by_test_id("people")
        expect(people.locator(".who")).to_have_count(3)
        expect(people).not_to_have_class(re.compile("more-"))
        page.set_viewport_size(PHONE)
        expect(people).to_have_class("people more-after")
        people.evaluate("people => people.scrollBy(40, 0)")
        expect(people).to_have_class(re.compile("more-after more-before|more-before more-after"))
        people.evaluate("people => people.scrollBy(4000, 0)")
        expect(people).to_have_class("people more-before")
        expect(people.locator(".who").last).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_offline_nobody_is_said_to_be_here_now(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada", "Grace") as (ada, grace):
        title, people = ada.get_by_test_id("people-title"), ada.get_by_test_id("people")
        expect(title).to_have_text("Here now")
        expect(people).not_to_have_class(re.compile("stale"))
        grace.get_by_test_id("text").press_sequentially("Hel")
        expect(ada.get_by_test_id("typing")).to_have_text("Grace is typing…")
        server.kill()
        expect(title).to_have_text("Last seen here")
        expect(ada.get_by_test_id("typing")).to_be_empty()
        expect(people).to_have_class(re.compile("stale"))
        server.start()
        expect(title).to_have_text("Here now")
        expect(people).not_to_have_class(re.compile("stale"))


@pytest.mark.parametrize("is_phone", [True, False], ids=["phone", "desk"])
def test_a_long_text_shows_whole_lines_and_the_newest_message_stays_in_sight(
    browser: Browser, server: Server, tmp_path: Path, is_phone: bool
) -> None:
    with windows(browser, server, tmp_path, "Ada") as (ada,):
        if is_phone:
            ada.set_viewport_size(PHONE)
        for number in range(12):
            post(ada, f"message {number}")
        message = ada.get_by_test_id("message").last
        expect(message).to_contain_text("message 11")
        ada.get_by_test_id("text").fill("word " * 100 + "x")
        expect(ada.get_by_test_id("count")).to_have_text("501 / 500")
        expect(message).to_be_in_viewport(ratio=1)
        expect_whole_lines(ada)
        assert box(message.locator(".bubble"))["bottom"] <= box(ada.locator("#scroller"))["bottom"]
        ada.get_by_test_id("text").fill("")
        assert box(ada.get_by_test_id("text"))["height"] == 24


def expect_whole_lines(page: Page) -> None:
    height, top, whole = page.get_by_test_id("text").evaluate(
        "text => [text.clientHeight, text.scrollTop, text.scrollHeight]"
    )
    assert (height % 24, top % 24, whole % 24) == (0, 0, 0)
    assert top + height == whole  # its end is in sight


def box(locator: Any) -> dict[str, float]:
    found: dict[str, float] = locator.evaluate("one => one.getBoundingClientRect().toJSON()")
    return found


def test_the_time_of_one_s_own_messages_stands_behind_the_text(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada", "Grace") as (ada, grace):
        post(ada, "Hello")
        for page, is_own in ((ada, True), (grace, False)):
            message = page.get_by_test_id("message")
            expect(message).to_have_count(1)
            text, time = box(message.locator(".text")), box(message.locator("time"))
            assert (time["top"] >= text["bottom"]) is is_own


LINKS = {
    "see https://a.example/b?c=1#d.": ["https://a.example/b?c=1#d"],
    "(http://a.example/x_(y)), HTTPS://B.example!": [
        "http://a.example/x_(y)",
        "https://b.example/",
    ],
    "javascript:alert(1) data:text/html,x ftp://a.example //a.example a.example": [],
    "https:// http://[ xhttps://a.example": [],
    '<a href="https://a.example/">x</a>': ["https://a.example/"],
}


def test_addresses_are_links_and_nothing_else_is(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with windows(browser, server, tmp_path, "Ada", "Grace") as (ada, grace):
        for at, (text, links) in enumerate(LINKS.items()):
            post(ada, text)
            for page in (ada, grace):
                message = page.get_by_test_id("message").nth(at)
                expect(message.locator(".text")).to_have_text(text)
                anchors = message.locator("a")
                assert anchors.evaluate_all("all => all.map((one) => one.href)") == links, text
                for anchor in anchors.all():
                    expect(anchor).to_have_attribute("rel", "noopener noreferrer nofollow")
                    expect(anchor).to_have_attribute("target", "_blank")


@pytest.fixture
def minimal(tmp_path: Path) -> Generator[Server]:
    """The server of a project made with the minimal template."""
    command = [sys.executable, "-m", "bytesocket_cli", "new", "hello", "--template", "minimal"]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, timeout=DEADLINE)
    with reserved_port() as port:
        server = Server(port, tmp_path / "server.log", tmp_path / "hello")
        try:
            server.start()
            yield server
        finally:
            server.kill()


def test_the_minimal_page_asks_for_nothing_that_is_not_there_and_looks_as_the_chat(
    browser: Browser, server: Server, minimal: Server, tmp_path: Path
) -> None:
    with windows(browser, minimal, tmp_path, "") as (page,):
        missing: list[str] = []
        page.on("response", lambda one: missing.append(one.url) if one.status >= 400 else None)
        page.reload()
        expect(page.get_by_test_id("state")).to_have_text("open")
        page.get_by_test_id("name").fill("Ada")
        page.get_by_test_id("greet").click()
        expect(page.get_by_test_id("answer")).to_have_text("Hello, Ada!")
        page.get_by_test_id("name").fill("")
        page.get_by_test_id("greet").click()
        expect(page.get_by_test_id("answer")).to_contain_text("name: ")
        icon = page.locator("link[rel=icon]").get_attribute("href")
        assert page.request.get(f"{minimal.url}{icon}").status == 200
        assert missing == []
        look = "getComputedStyle(document.body).getPropertyValue('--accent')"
        mine = page.evaluate(look)
        page.goto(server.url)
        assert page.evaluate(look) == mine


def test_people_on_two_workers_see_and_hear_each_other(browser: Browser, tmp_path: Path) -> None:
    names = ["Ada", "Edsger", "Grace", "Kathleen"]
    with running_broker("valkey-9.1") as broker, reserved_port() as port:
        options = ["--workers", "2", "--engine", broker.url]
        server = Server(port, tmp_path / "workers.log", options=options)
        server.start()
        try:
            with windows(browser, server, tmp_path, *names, "") as (*pages, late):
                for page in pages:
                    who = page.get_by_test_id("people").locator(".who")
                    expect(who).to_have_text(names)
                    post(page, "hello")
                for page in pages:
                    expect(page.get_by_test_id("message")).to_have_count(len(names))
                late.get_by_test_id("name").fill("ADA")
                late.get_by_test_id("enter").click()
                expect(late.get_by_text("Somebody is already called ADA")).to_be_visible()
                pages[0].get_by_test_id("leave").click()
                for page in pages[1:]:
                    expect(page.get_by_test_id("note").last).to_have_text("Ada left")
        finally:
            server.kill()
