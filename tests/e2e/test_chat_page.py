"""The chat example as people meet it: the real server, and windows of a real browser."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.chat_page import DEADLINE, Server, chromium_browser, log_in, post, windows
from tests.support.ports import reserved_port


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
