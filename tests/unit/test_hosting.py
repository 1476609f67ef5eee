"""The order of a hosted application's life, and of its end."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from bytesocket_app.serving.runners.hosting import Drain, Hosting, Server, Trigger, host
from bytesocket_app.serving.runners.listening import listen
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.lifespan import LifespanError, reason, run_lifespan

pytestmark = pytest.mark.anyio

Step = Callable[[], Awaitable[None]]


class Story:
    """An application that writes down what happens to it, and does what it is told."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.states: list[Any] = []
        self.call: Step = anyio.sleep_forever
        self.drain: Drain = self._drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["pool"] = "a pool"
            for step in ("startup", "shutdown"):
                await receive()
                self.log.append(step)
                await send({"type": f"lifespan.{step}.complete"})
            return
        self.states.append(scope["state"])
        self.log.append("call")
        try:
            await self.call()
        finally:
            self.log.append("call over")

    async def _drain(self, grace: float) -> None:
        self.log.append(f"drain {grace}")


async def nothing() -> Any:
    return {}


async def ignore(_message: Any) -> None:
    return None


def server_of(*calls: str) -> Server:
    """A server that makes some calls, then serves until the trigger returns."""

    async def serve(app: ASGIApp, _hosting: Hosting, trigger: Trigger) -> None:
        async with anyio.create_task_group() as tasks:
            for kind in calls:
                tasks.start_soon(_call, app, kind)
            await anyio.wait_all_tasks_blocked()
            await trigger()

    return serve


async def _call(app: ASGIApp, kind: str) -> None:
    await app({"type": kind, "state": {}}, nothing, ignore)


async def run(story: Story, server: Server, *, grace: float = 0.25, linger: float = 0.125) -> None:
    stop = anyio.Event()
    with listen("127.0.0.1", 0) as listener:
        hosting = Hosting(
            listener=listener, drain=story.drain, grace=grace, linger=linger, started=stop.set
        )
        with anyio.fail_after(30):
            await host(story, server, hosting, stop)


async def test_sockets_are_drained_then_the_application_ends() -> None:
    story = Story()
    await run(story, server_of())
    assert story.log == ["startup", "drain 0.125", "shutdown"]


async def test_a_call_that_hangs_is_cancelled_before_the_application_ends() -> None:
    story = Story()
    await run(story, server_of("http"))
    assert story.log == ["startup", "call", "drain 0.125", "call over", "shutdown"]


async def test_a_call_that_ends_in_time_is_not_cancelled() -> None:
    story = Story()
    drained = anyio.Event()

    async def drain(_grace: float) -> None:
        story.log.append("drain")
        drained.set()

    async def finish() -> None:
        await drained.wait()
        story.log.append("finished")

    story.drain = drain
    story.call = finish
    await run(story, server_of("http"), grace=5)
    assert story.log == ["startup", "call", "drain", "finished", "call over", "shutdown"]


async def test_every_call_has_its_own_copy_of_the_state() -> None:
    story = Story()
    story.call = anyio.lowlevel.checkpoint
    await run(story, server_of("http", "websocket"))
    assert story.states == [{"pool": "a pool"}, {"pool": "a pool"}]
    assert story.states[0] is not story.states[1]


async def test_a_drain_that_fails_is_logged_and_the_end_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    story = Story()

    async def drain(_grace: float) -> None:
        raise RuntimeError("cannot drain")

    story.drain = drain
    await run(story, server_of())
    assert story.log == ["startup", "shutdown"]
    assert "the application could not close its sockets" in caplog.text


async def test_a_drain_that_hangs_is_cut_off() -> None:
    story = Story()

    async def drain(_grace: float) -> None:
        await anyio.sleep_forever()

    story.drain = drain
    await run(story, server_of())
    assert story.log == ["startup", "shutdown"]


async def test_a_server_that_hangs_at_its_end_is_cancelled() -> None:
    async def serve(_app: ASGIApp, _hosting: Hosting, trigger: Trigger) -> None:
        await trigger()
        await anyio.sleep_forever()

    story = Story()
    await run(story, serve)
    assert story.log == ["startup", "drain 0.125", "shutdown"]


async def test_what_a_server_raises_while_it_is_stopped_is_no_news() -> None:
    async def serve(_app: ASGIApp, _hosting: Hosting, trigger: Trigger) -> None:
        await trigger()
        raise OSError("socket gone")

    story = Story()
    await run(story, serve)
    assert story.log[-1] == "shutdown"


async def test_what_a_server_raises_before_is_an_error() -> None:
    async def serve(_app: ASGIApp, _hosting: Hosting, _trigger: Trigger) -> None:
        raise OSError("no such socket")

    with pytest.raises(ExceptionGroup) as caught:
        await run(Story(), serve)
    assert caught.group_contains(OSError, match="no such socket")


async def test_the_server_gets_a_lifespan_that_does_nothing() -> None:
    sent: list[str] = []

    async def note(message: Any) -> None:
        sent.append(message["type"])

    async def serve(app: ASGIApp, _hosting: Hosting, trigger: Trigger) -> None:
        await app({"type": "lifespan"}, nothing, note)
        await trigger()

    story = Story()
    await run(story, serve)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert story.log.count("startup") == 1


async def test_without_sockets_there_is_nothing_to_drain() -> None:
    stop = anyio.Event()
    story = Story()
    with listen("127.0.0.1", 0) as listener, anyio.fail_after(30):
        await host(story, server_of(), Hosting(listener=listener, started=stop.set), stop)
    assert story.log == ["startup", "shutdown"]


def lifespan_of(
    life: Callable[[], Any], *, failed: bool = False
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with life():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except RuntimeError as error:
            if not failed:
                raise
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    return app


@asynccontextmanager
async def no_start() -> AsyncGenerator[None]:
    if anyio.current_time() >= 0:
        raise RuntimeError("no database")
    yield


@asynccontextmanager
async def no_end() -> AsyncGenerator[None]:
    yield
    raise RuntimeError("cannot say goodbye")


@pytest.mark.parametrize("failed", [True, False])
async def test_an_application_that_cannot_start_is_not_served(failed: bool) -> None:
    with pytest.raises(LifespanError, match="no database"):
        async with run_lifespan(lifespan_of(no_start, failed=failed), {}, timeout=1):
            pytest.fail("it was served")


async def test_a_failure_without_a_reason_says_so() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})

    with pytest.raises(LifespanError, match="gave no reason"):
        async with run_lifespan(app, {}, timeout=1):
            pytest.fail("it was served")


async def test_an_application_without_a_lifespan_is_served() -> None:
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise KeyError(scope["type"])

    async with run_lifespan(app, {}, timeout=1):
        pass


async def test_a_lifespan_that_fails_later_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with run_lifespan(lifespan_of(no_end), {}, timeout=1):
        pass
    assert "the application's lifespan failed" in caplog.text
    assert "cannot say goodbye" in caplog.text


async def test_a_shutdown_that_is_said_to_fail_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still busy"})

    async with run_lifespan(app, {}, timeout=1):
        pass
    assert caplog.record_tuples == [
        ("bytesocket.server", logging.ERROR, "the application did not shut down: still busy")
    ]


async def test_a_shutdown_that_hangs_is_cut_off() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await anyio.sleep_forever()

    with anyio.fail_after(30):
        async with run_lifespan(app, {}, timeout=0.05):
            pass


@pytest.mark.parametrize(
    ("failure", "short"),
    [
        ("no database", "no database"),
        ("", "no reason given"),
        (
            (
                'Traceback\n  File "/me/app.py", line 3\n    x()\n'
                '  File "/lib/site-packages/pg.py", line 9\n    fail\npg.Error: no database\n'
            ),
            "/me/app.py:3: pg.Error: no database",
        ),
        (
            (
                '  +-+---- 1 ----\n    | Traceback\n    |   File "/me/app.py", line 3, in life\n'
                "    | RuntimeError: no database\n    +-----------\n"
            ),
            "/me/app.py:3: RuntimeError: no database",
        ),
    ],
)
def test_a_failure_is_shortened_to_place_and_error(failure: str, short: str) -> None:
    assert reason(failure) == short
