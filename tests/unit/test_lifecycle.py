"""Hooks: all run even if one raises; the first error is reported under the hook's phase."""

import logging
from typing import Any

import anyio
import pytest

from bytesocket_app import ConfigurationError, ErrorContext, Handshake, Settings, Socket, Timeouts
from bytesocket_app.errors import Phase
from bytesocket_app.lifecycle import HookKind, Lifecycle
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Say, logged, talk

pytestmark = pytest.mark.anyio

SOCKET: Any = object()


async def test_hooks_run_in_order_and_only_those_of_their_kind() -> None:
    lifecycle, seen = Lifecycle(), list[str]()

    @lifecycle.open
    async def one(socket: Socket) -> None:
        seen.append("one")

    @lifecycle.open
    def two() -> None:
        seen.append("two")

    @lifecycle.close
    async def other(socket: Socket) -> None:
        seen.append("other")

    assert await lifecycle.run(HookKind.OPEN, SOCKET, SOCKET) is None
    assert seen == ["one", "two"]


async def test_each_kind_offers_what_it_has() -> None:
    lifecycle, seen = Lifecycle(), list[Any]()
    context, handshake = ErrorContext(Phase.AUTH, ValueError()), Handshake("/ws")

    @lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> None:
        seen.append(handshake)

    @lifecycle.message
    async def message(is_binary: bool, socket: Socket, payload: str | bytes) -> None:
        seen.append((socket, payload, is_binary))

    @lifecycle.close
    async def close(socket: Socket, code: int, reason: str) -> None:
        seen.append((socket, code, reason))

    @lifecycle.auth_success
    async def auth_success(socket: Socket) -> None:
        seen.append(socket)

    @lifecycle.auth_error
    async def auth_error(socket: Socket, context: ErrorContext) -> None:
        seen.append((socket, context))

    @lifecycle.error
    async def error(socket: Socket | None, context: ErrorContext) -> None:
        seen.append((socket, context))

    await lifecycle.run(HookKind.UPGRADE, None, handshake)
    await lifecycle.run(HookKind.MESSAGE, SOCKET, SOCKET, "x", False)
    await lifecycle.run(HookKind.CLOSE, SOCKET, SOCKET, 1000, "bye")
    await lifecycle.run(HookKind.AUTH_SUCCESS, SOCKET, SOCKET)
    await lifecycle.run(HookKind.AUTH_ERROR, SOCKET, SOCKET, context)
    await lifecycle.report(None, context)
    assert seen == [
        handshake,
        (SOCKET, "x", False),
        (SOCKET, 1000, "bye"),
        SOCKET,
        (SOCKET, context),
        (None, context),
    ]


async def test_a_hook_added_twice_runs_once() -> None:
    lifecycle, seen = Lifecycle(), list[int]()

    def hook() -> None:
        seen.append(1)

    assert lifecycle.open(lifecycle.open(hook)) is hook
    await lifecycle.run(HookKind.OPEN, SOCKET, SOCKET)
    assert seen == [1]


async def test_a_once_hook_runs_once() -> None:
    lifecycle, seen = Lifecycle(), list[int]()

    @lifecycle.open.once
    async def hook() -> None:
        seen.append(1)

    assert lifecycle.has(HookKind.OPEN)
    await lifecycle.run(HookKind.OPEN, SOCKET, SOCKET)
    await lifecycle.run(HookKind.OPEN, SOCKET, SOCKET)
    assert seen == [1]
    assert not lifecycle.has(HookKind.OPEN)


def test_a_removed_hook_is_gone_with_its_once() -> None:
    lifecycle = Lifecycle()

    def hook() -> None:
        raise NotImplementedError

    def other() -> None:
        raise NotImplementedError

    lifecycle.open(hook)
    lifecycle.open.once(hook)
    lifecycle.open(other)
    lifecycle.open.remove(hook)
    assert lifecycle.has(HookKind.OPEN)
    lifecycle.open.remove()
    assert not lifecycle.has(HookKind.OPEN)


async def test_all_hooks_run_and_the_first_error_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lifecycle, seen = Lifecycle(), list[Any]()

    @lifecycle.open
    async def one() -> None:
        raise ValueError("first")

    @lifecycle.open
    async def two() -> None:
        raise ValueError("second")

    @lifecycle.open
    async def three() -> None:
        seen.append("three")

    @lifecycle.error
    async def error(socket: Socket | None, context: ErrorContext) -> None:
        seen.append((socket, context.phase, str(context.error)))

    with caplog.at_level(logging.ERROR, "bytesocket"):
        failed = await lifecycle.run(HookKind.OPEN, SOCKET, SOCKET)
    assert str(failed) == "first"
    assert seen == ["three", (SOCKET, Phase.OPEN, "first")]
    assert [r.exc_info is not None for r in caplog.records] == [True, True]
    assert f"hook {__file__}:" in caplog.text


async def test_an_error_hook_that_fails_is_logged_and_ends_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lifecycle = Lifecycle()

    @lifecycle.error
    async def error(context: ErrorContext) -> None:
        raise ValueError("the error hook's own")

    await lifecycle.report(None, ErrorContext(Phase.DECODE, ValueError()))
    assert len(caplog.records) == 1


async def test_reporting_to_nobody_does_nothing() -> None:
    await Lifecycle().report(None, ErrorContext(Phase.DECODE, ValueError()))


def test_a_hook_that_asks_for_too_much_is_refused() -> None:
    async def hook(socket: Socket, code: int) -> None:
        raise NotImplementedError

    with pytest.raises(ConfigurationError, match=r"a lifecycle\.open hook: .*`code: int`.*Socket"):
        Lifecycle().open(hook)


async def test_a_settings_function_is_called_as_a_hook_is(caplog: pytest.LogCaptureFixture) -> None:
    lifecycle, seen = Lifecycle(), list[Any]()

    async def later(value: int) -> None:
        seen.append(value)

    def failing(value: int) -> None:
        raise ValueError("the setting's own")

    await lifecycle.call(seen.append, 1)
    await lifecycle.call(later, 2)
    await lifecycle.call(failing, 3)
    assert seen == [1, 2]
    assert "the setting's own" in caplog.text


@pytest.mark.parametrize("kind", [HookKind.MESSAGE, HookKind.ERROR, HookKind.OPEN])
async def test_a_hook_that_never_returns_is_given_up(
    kind: HookKind, caplog: pytest.LogCaptureFixture
) -> None:
    app, ended = talk(Settings(timeouts=Timeouts(handler=0.02))), list[str]()

    async def hook() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("hook")

    getattr(app.lifecycle, kind.name.lower())(hook)

    @app.on(Say)
    async def say(event: Say) -> str:
        if event.text == "fail":
            raise LookupError(event.text)
        return event.text

    async with TestClient(app) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.request(Say(text="fail"))
        assert await client.request(Say(text="hi")) == "hi"
    assert ended
    assert any("took too long" in line for line in logged(caplog))
