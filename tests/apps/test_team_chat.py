"""The team chat at work: a FastAPI application with people, browsers and programs in it."""

import importlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread

from bytesocket_app.client import AuthError
from tests.apps.team_chat import programs
from tests.support.checkers import mypy, pyright
from tests.support.node import Program, installed, type_check
from tests.support.served import served
from tests.support.server_process import ROOT, bytesocket

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TARGET = "tests.apps.team_chat.main:api"
DEADLINE = 30.0
"""Seconds for one scene, on a busy machine."""

PAGES = {
    "tab": programs.TAB,
    "talk": programs.TALK,
    "refused": programs.REFUSED,
    "again": programs.AGAIN,
    "inbox": programs.INBOX,
    "shut": programs.SHUT,
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated clients, and the programs that use them."""
    folder = tmp_path_factory.mktemp("clients")
    for command in (
        f"generate typescript {TARGET} -o {folder}/client.ts",
        f"generate python {TARGET} -o {folder}/team_chat_client.py",
    ):
        done = bytesocket(*command.split(), cwd=ROOT)
        assert done.returncode == 0, done.stderr
    (folder / "desk.py").write_text(programs.DESK, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, text in PAGES.items():
        (folder / f"{name}.ts").write_text(text, encoding="utf-8")
    return folder


def test_the_programs_are_well_typed(clients: Path) -> None:
    installed()
    assert type_check(clients, "7.0") == ""
    for lines, said in (mypy(clients / "desk.py"), pyright(clients / "desk.py")):
        assert not lines, said


@dataclass(frozen=True)
class Site:
    """The served application."""

    port: int
    folder: Path

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def browser(self) -> httpx.AsyncClient:
        """Something with cookies of its own."""
        url = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=url, timeout=DEADLINE, trust_env=False)


@dataclass(frozen=True)
class Person:
    """Somebody who has logged in."""

    site: Site
    token: str
    http: httpx.AsyncClient

    async def do(self, method: str, path: str, **query: Any) -> Any:
        """Make a request that must succeed; its answer."""
        answer = await self.http.request(method, path, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def open_channel(self, *invited: str) -> int:
        """Open a channel, and invite people to it."""
        number: int = (await self.do("POST", "/channels", name="talk"))["id"]
        for name in invited:
            await self.do("PUT", f"/channels/{number}/members/{name}")
        return number

    def tab(self, page: str, *channels: int) -> Program:
        """Open a page."""
        numbers = map(str, channels)
        return Program(self.site.folder, f"{page}.ts", self.site.socket, self.token, *numbers)


@pytest.fixture(
    scope="module",
    params=[("uvicorn", "trio"), ("hypercorn-asyncio", "asyncio")],
    ids=lambda pair: pair[0],
)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A server, and what the Python programs run on."""
    pair: tuple[str, str] = request.param
    return pair


@pytest.fixture(scope="module")
def site(pair: tuple[str, str], clients: Path) -> Generator[Site]:
    with served(pair[0], TARGET) as port:
        yield Site(port, clients)


@pytest.fixture
def anyio_backend(pair: tuple[str, str]) -> str:
    return pair[1]


@pytest.fixture
def desk(clients: Path) -> Generator[Any]:
    """The Python programs, to be run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(clients), *sys.path])
        yield importlib.import_module("desk")


@pytest.fixture
async def people(site: Site) -> AsyncGenerator[list[Person]]:
    """Ann, Bob and Cid, logged in."""
    async with AsyncExitStack() as stack:
        found: list[Person] = []
        for name in ("ann", "bob", "cid"):
            http = await stack.enter_async_context(site.browser())
            answer = await http.post("/login", json={"name": name, "password": name[0]})
            found.append(Person(site, answer.json(), http))
        yield found


async def outcome(keep: list[Any], work: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Run a program, and keep what it returns."""
    keep.append(await work(*arguments))


async def ended(program: Program) -> list[Any]:
    """All that a page told, when it is done."""
    return await to_thread.run_sync(program.result)


async def told(program: Program, *values: Any) -> None:
    """Wait until a page has told this."""
    await to_thread.run_sync(program.wait, list(values))


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - what other processes bring about tells no event
        await anyio.sleep(0.005)


async def test_the_http_side_is_as_it_was(site: Site, people: list[Person]) -> None:
    ann, _, cid = people
    number = await ann.open_channel()
    bearer = {"Authorization": f"Bearer {ann.token}"}
    async with site.browser() as stranger:
        assert (await stranger.get("/me")).status_code == 401
        assert (await stranger.get("/me", headers=bearer)).json()["name"] == "ann"
        assert (await stranger.get("/ws")).status_code == 426
        assert "/ws" not in (await stranger.get("/openapi.json")).json()["paths"]
    assert (await ann.do("GET", "/me"))["name"] == "ann"
    assert (await cid.http.get(f"/channels/{number}/messages")).status_code == 403
    assert (await cid.http.get("/channels/4711/messages")).status_code == 404


async def test_a_tab_and_a_program_talk(desk: Any, people: list[Person]) -> None:
    ann, bob, _ = people
    number, ready = await ann.open_channel("bob"), anyio.Event()
    answers, seen = list[Any](), list[Any]()
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            url = ann.site.socket
            tasks.start_soon(outcome, answers, desk.answer, url, bob.token, number, ready)
            await ready.wait()
            with ann.tab("talk", number) as tab:
                seen += await ended(tab)
    history = await ann.do("GET", f"/channels/{number}/messages")
    (first, second) = (message["id"] for message in history)
    assert [(m["author"], m["text"]) for m in history] == [
        ("ann", "hello"),
        ("bob", "ann said hello"),
    ]
    assert answers == [["ann", "hello", second, "bob"]]
    assert seen[:2] == [["state", "open"], ["present", ["ann", "bob"]]]
    assert ["receipt", first] in seen  # before the answer or after: bob does not wait for it
    kinds = ("typist", "reaction", "posted", "whispered")
    assert [each for each in seen if each[0] in kinds] == [
        ["typist", "bob"],
        ["reaction", first, "+1"],
        ["posted", "bob", "ann said hello"],
        ["whispered", "bob", "psst"],
    ]
    assert seen[-1] == ["state", "closed"]


async def test_refusals_are_known_by_code(desk: Any, people: list[Person]) -> None:
    ann, bob, cid = people
    mine, foreign = await ann.open_channel("cid"), await bob.open_channel()
    archived = await ann.open_channel("cid")
    await ann.do("PUT", f"/channels/{archived}/archive")
    await ann.do("PUT", "/people/cid/mute")
    with anyio.fail_after(DEADLINE):
        joins = ["joined", "forbidden", "archived", "not_found"]
        assert await desk.refusals(ann.site.socket, cid.token, mine, foreign, archived) == [
            *joins,
            "muted",
            "validation",
            "not_found",
            "Nobody is called nobody.",
        ]
        with cid.tab("refused", mine, foreign, archived) as tab:
            assert await ended(tab) == [
                ["join", "none"],
                *(["join", code] for code in joins[1:]),
                ["muted", "ASK ANN."],
                ["post", "muted"],
                ["empty", "validation"],
                ["whisper", "not_found"],
            ]
    # Refused after it was written: the transaction was rolled back.
    assert await ann.do("GET", f"/channels/{mine}/messages") == []


async def test_who_is_there_is_told_exactly_once(desk: Any, people: list[Person]) -> None:
    ann, bob, cid = people
    number, url = await ann.open_channel("bob", "cid"), ann.site.socket
    seen, left = list[list[str]](), list[Any]()
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            ready, inside = anyio.Event(), anyio.Event()
            tasks.start_soon(desk.watch, url, cid.token, number, ready, seen)
            await ready.wait()
            tasks.start_soon(outcome, left, desk.removed, url, bob.token, number, inside)
            await inside.wait()
            await ann.do("DELETE", f"/channels/{number}/members/bob")
            await until(lambda: left)
            with ann.tab("again", number) as tab:
                await told(tab, "in", 1)
            await until(lambda: len(seen) >= 5)  # the tab was killed: no word of farewell
            tasks.cancel_scope.cancel()
    assert left == [[number, "forbidden"]]
    assert seen == [["cid"], ["bob", "cid"], ["cid"], ["ann", "cid"], ["cid"]]


async def test_the_guard_is_asked_again_after_a_reconnect(people: list[Person]) -> None:
    ann, bob, _ = people
    number = await bob.open_channel("ann")
    with anyio.fail_after(DEADLINE), ann.tab("again", number) as tab:
        await told(tab, "in", 1)
        await bob.do("DELETE", "/people/ann/sockets")
        await told(tab, "in", 2)
        await bob.do("DELETE", f"/channels/{number}/members/ann")
        await bob.do("DELETE", "/people/ann/sockets")
        assert (await ended(tab))[1::2] == [["again", "none"], ["again", "removed"]]


async def test_a_whisper_reaches_all_devices_of_one_person(desk: Any, people: list[Person]) -> None:
    ann, bob, cid = people
    url, heard, reasons = ann.site.socket, [list[str](), list[str](), list[str]()], list[str]()
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            for token, words in zip((bob.token, bob.token, cid.token), heard, strict=True):
                ready = anyio.Event()
                tasks.start_soon(outcome, reasons, desk.listen, url, token, ready, words)
                await ready.wait()
            with bob.tab("inbox") as tab:
                await told(tab, "ready")
                await desk.whisper(url, ann.token, "bob", "psst")
                await ann.do("POST", "/news", text="lunch")
                assert (await ended(tab))[1:] == [
                    ["whispered", "ann", "psst"],
                    ["announced", "ann: lunch"],
                ]
            await until(lambda: all("ann: lunch" in words for words in heard))
            await ann.do("DELETE", "/people/bob/logins")  # closes his devices, and no other
            await until(lambda: len(reasons) == 2)
            tasks.cancel_scope.cancel()
    both = ["ann whispers psst", "ann: lunch"]
    assert heard == [both, both, ["ann: lunch"]]
    assert reasons == ["Log in first."] * 2


async def test_nobody_comes_in_without_a_login(site: Site, desk: Any) -> None:
    with anyio.fail_after(DEADLINE):
        async with desk.client(site.socket, "guessed") as chat:
            with pytest.raises(AuthError, match="Log in first"):
                await chat.ready
        with Program(site.folder, "shut.ts", site.socket, "guessed") as tab:
            assert await ended(tab) == [["auth", "unauthorized", "open"]]
