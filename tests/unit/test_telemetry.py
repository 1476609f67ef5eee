"""The telemetry port: operations in the handler's own context, and counts, in plain values."""

import asyncio  # noqa: TID251 - its cancellation is under test
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from typing_extensions import override

from bytesocket_app import AuthError, Limits, Refusal, Settings, Timeouts
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.testing import RequestError, TestClient
from tests.support.listening import Noted
from tests.support.talk import Said, Say, Wave, logged, talk, until

pytestmark = pytest.mark.anyio

SPAN: ContextVar[object] = ContextVar("SPAN", default=None)


class Spans(Noted):
    """Makes each operation current while it runs."""

    @override
    def began(self, operation: Operation, values: Any, /) -> Any:
        token = super().began(operation, values)
        SPAN.set(token)
        return token


async def test_a_message_is_an_operation_around_its_handler() -> None:
    app, seen = talk(), list[object]()
    app.telemetry.listener = spans = Spans()

    @app.on(Say)
    async def say(event: Say) -> str:
        seen.append(SPAN.get())
        if event.text == "no":
            raise Refusal("No.", code="muted")
        return event.text

    async with TestClient(app) as client:
        assert await client.request(Say(text="hi"), str) == "hi"
        with pytest.raises(RequestError):
            await client.request(Say(text="no"), str)
        socket_id = app.sockets()[0].id
    (ok, no) = spans.of(Operation.MESSAGE)
    assert ok == (
        {
            "socket": socket_id,
            "user": None,
            "kind": "event",
            "event": "say",
            "room": None,
            "rooms": None,
            "request": True,
            "concurrent": False,
        },
        "ok",
    )
    assert no[1] == "muted"
    assert [each[0] for each in seen] == [Operation.MESSAGE] * 2  # type: ignore[index]
    assert spans.amounts(Count.REFUSED) == [1]


async def test_a_concurrent_handler_is_an_operation_of_its_own_in_its_own_context() -> None:
    app, seen = talk(), list[Any]()
    app.telemetry.listener = spans = Spans()

    @app.on(Say, concurrent=True)
    async def say(event: Say) -> str:
        await anyio.lowlevel.checkpoint()
        seen.append(SPAN.get())
        return event.text

    async with TestClient(app) as client:
        await client.request(Say(text="hi"), str)
    outcomes = [(values["concurrent"], out) for values, out in spans.of(Operation.MESSAGE)]
    assert outcomes == [(False, "deferred"), (True, "ok")]
    assert seen[0][1]["concurrent"] is True


async def test_handshake_authentication_and_delivery_are_operations() -> None:
    app = talk()
    app.telemetry.listener = noted = Noted()
    lobby = app.room("lobby")
    lobby.relay(Wave)

    @app.auth(key=str)
    async def authenticate(credentials: str) -> str:
        if credentials != "ann":
            raise AuthError("Who?")
        return credentials

    async with TestClient(app, "ann") as client:
        with pytest.raises(RequestError):
            await TestClient(app, "eve").__aenter__()
        await client.join("lobby")
        await client.request(Wave(), room="lobby")
        await lobby.emit(Said(text="x"))
        await client.receive(Said)
        sender = app.sockets()[0].id
    assert [out for _, out in noted.of(Operation.HANDSHAKE)] == ["accepted"] * 2
    assert [out for _, out in noted.of(Operation.AUTHENTICATION)] == ["accepted", "unauthorized"]
    deliveries = [values for values, _ in noted.of(Operation.DELIVERY)]
    assert deliveries[0] == {
        "target": "room",
        "event": "wave",
        "rooms": ("lobby",),
        "exclude": sender,
        "receivers": 1,
    }
    kinds = [values["kind"] for values, _ in noted.of(Operation.MESSAGE)]
    assert kinds == ["join", "event"]
    assert all(outcome is not None for *_, outcome in noted.operations)


async def test_slow_late_and_dropped_are_counted() -> None:
    app = talk(Settings(limits=Limits(outbox_bytes=1000), timeouts=Timeouts(handler=0.3)))
    app.telemetry.listener = noted = Noted()

    @app.on(Say)
    async def hang() -> str:
        await anyio.sleep_forever()
        return ""

    async with TestClient(app) as client:
        with pytest.raises(RequestError):
            await client.request(Say(text="x"), str)
        assert noted.amounts(Count.LATE) == [1]
        (socket,) = app.sockets()
        while not socket.is_closed:
            await app.broadcast(Said(text="x" * 300))
            await anyio.lowlevel.checkpoint()
        assert noted.amounts(Count.SLOW) == [1]
        assert sum(noted.amounts(Count.DROPPED)) > 2
        await until(lambda: client.closed)


@pytest.mark.parametrize("code", [1002, 1007, 1009])
async def test_what_breaks_the_rules_of_a_transport_is_counted_and_told_once(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bytesocket")
    app = talk(Settings(limits=Limits(message_bytes=100)))
    app.telemetry.listener = noted = Noted()
    async with TestClient(app) as client:
        if code == 1009:
            await client.send_raw("x" * 101)
        else:
            await client.close(code, "secret")  # as a transport tells of it
        await until(lambda: client.closed)
    assert noted.amounts(Count.REFUSED) == [1]
    (line,) = caplog.messages
    assert line.startswith(f"closing {code} ")
    assert "secret" not in line


@pytest.mark.parametrize("kind", [ValueError, SystemExit, asyncio.CancelledError, GeneratorExit])
async def test_a_listener_that_raises_costs_a_line_in_the_log(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Noted):
        @override
        def began(self, operation: Operation, values: Any, /) -> Any:
            raise kind("mine")

        @override
        def ended(self, token: Any, outcome: str, /) -> None:
            raise NotImplementedError("what was not begun does not end")

        @override
        def counted(self, count: Count, amount: int, values: Any, /) -> None:
            raise kind("mine")

    app = talk()
    app.telemetry.listener = Broken()

    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    async with TestClient(app) as client:
        await client.send({"event": "unknown", "data": None, "id": 7})
        assert await client.request(Say(text="hi")) == "hi"
    assert set(logged(caplog)) == {"the telemetry listener failed"}
