"""The lifespan protocol, answered and driven."""

import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from anyio import Event as Signal
from anyio import create_task_group, get_cancelled_exc_class

from bytesocket_app.transports.asgi import Receive, Scope, Send
from bytesocket_app.transports.lifespan import LifespanError, answer_lifespan, reason, run_lifespan
from tests.support.asgi import Call
from tests.support.talk import DEADLINE, logged, wait

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def context(*, startup: bool = True, shutdown: bool = True) -> AsyncGenerator[None]:
    if not startup:
        raise LookupError("no database")
    yield
    if not shutdown:
        raise LookupError("no goodbye")


@pytest.mark.parametrize(
    ("startup", "shutdown", "kinds", "said"),
    [
        (True, True, ["startup.complete", "shutdown.complete"], ""),
        (False, True, ["startup.failed"], "no database"),
        (True, False, ["startup.complete", "shutdown.failed"], "no goodbye"),
    ],
)
async def test_a_server_is_answered(
    startup: bool, shutdown: bool, kinds: list[str], said: str
) -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        with nullcontext() if startup else pytest.raises(LookupError, match="no database"):
            await answer_lifespan(context(startup=startup, shutdown=shutdown), receive, send)

    call = Call(app, {"type": "lifespan"})
    call.tell("lifespan.startup")
    call.tell("lifespan.shutdown")
    await call.run()
    assert call.kinds() == kinds
    assert said in call.sent[-1].get("message", "")


class Inner:
    """An application with a lifespan, and a fault if told so."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.events: list[str] = []
        self.cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.fault == "no lifespan":
            raise NotImplementedError(scope["type"])
        for step in ("startup", "shutdown"):
            try:
                event = await receive()
            except get_cancelled_exc_class():
                self.cancelled = True
                raise
            self.events.append(event["type"])
            if self.fault == "state":
                scope["state"]["pool"] = 7
            if self.fault == "raises":
                raise LookupError("no port")
            if self.fault == "silent":
                await send({"type": "lifespan.startup.failed"})
                return
            if self.fault == "never" and step == "shutdown":
                await Signal().wait()
            if self.fault == step:
                await send({"type": f"lifespan.{step}.failed", "message": f"{step} broke"})
                raise RuntimeError(f"{step} broke")
            await send({"type": f"lifespan.{step}.complete"})


async def test_an_inner_application_starts_before_and_stops_after() -> None:
    inner = Inner()
    async with run_lifespan(inner, {}, timeout=DEADLINE):
        assert inner.events == ["lifespan.startup"]
    assert inner.events == ["lifespan.startup", "lifespan.shutdown"]


async def test_a_cancelled_block_takes_it_along() -> None:
    inner, entered = Inner(), Signal()

    async def live() -> None:
        async with run_lifespan(inner, {}, timeout=DEADLINE):
            entered.set()
            await Signal().wait()

    async with create_task_group() as tasks:
        tasks.start_soon(live)
        await wait(entered)
        tasks.cancel_scope.cancel()
    assert inner.cancelled


async def test_one_without_a_lifespan_has_none(caplog: pytest.LogCaptureFixture) -> None:
    async with run_lifespan(Inner("no lifespan"), {}, timeout=DEADLINE):
        pass
    assert not logged(caplog)


@pytest.mark.parametrize("fault", ["startup", "silent", "raises"])
async def test_one_that_cannot_start_says_why(fault: str) -> None:
    expected = {"startup": "startup broke", "silent": "no reason", "raises": "LookupError: no port"}
    with pytest.raises(LifespanError, match=expected[fault]):
        async with run_lifespan(Inner(fault), {}, timeout=DEADLINE):
            raise AssertionError("never entered")


async def test_what_the_start_raised_is_the_cause_of_one_line() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await answer_lifespan(context(startup=False), receive, send)

    with pytest.raises(LifespanError) as caught:
        async with run_lifespan(app, {}, timeout=DEADLINE):
            raise AssertionError("never entered")
    assert re.fullmatch(rf"{__file__}:\d+: LookupError: no database", str(caught.value))
    assert isinstance(caught.value.__cause__, LookupError)


async def test_a_fault_at_its_shutdown_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with run_lifespan(Inner("shutdown"), {}, timeout=DEADLINE):
        pass
    assert logged(caplog) == [
        "the application did not shut down: shutdown broke",
        "the application's lifespan failed",
    ]


async def test_one_that_never_ends_is_cut() -> None:
    inner = Inner("never")
    async with run_lifespan(inner, {}, timeout=0.01):
        pass
    assert inner.events == ["lifespan.startup", "lifespan.shutdown"]


async def test_what_it_puts_into_the_state_is_there() -> None:
    state: dict[str, Any] = {}
    inner = Inner("state")
    async with run_lifespan(inner, state, timeout=DEADLINE):
        assert state == {"pool": 7}


def test_a_reason_is_the_last_line_and_our_last_place() -> None:
    text = f"""Traceback (most recent call last):
      | File "/app/mine.py", line 3, in start
      | File "/lib/site-packages/theirs.py", line 9, in connect
      | File "{socket.__file__}", line 8, in create_connection
      | OSError: no route
      +---
    """
    assert reason(text) == "/app/mine.py:3: OSError: no route"
    assert reason("one line") == "one line"
    assert reason("") == "no reason given"
