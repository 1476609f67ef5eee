"""Signals reach an iteration, on event loops that take them and on those that do not."""

import os
import signal
from collections.abc import Generator

import anyio
import pytest

from bytesocket_cli.interrupts import signals
from tests.support.server_process import DEADLINE

pytestmark = pytest.mark.anyio


@pytest.fixture
def handler() -> Generator[object]:
    """The handler of SIGTERM before a test, which is there again afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield before
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("are_taken", [True, False])
async def test_signals_come_in_their_order_and_handlers_are_put_back(
    monkeypatch: pytest.MonkeyPatch, handler: object, are_taken: bool
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    if not are_taken:
        monkeypatch.setattr(anyio, "open_signal_receiver", refuse)
    with anyio.fail_after(DEADLINE), signals(signal.SIGTERM, signal.SIGINT) as received:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            assert await anext(received) == number
    # asyncio leaves the default behind, whatever was there.
    assert are_taken or signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.usefixtures("handler")
async def test_a_failure_inside_is_no_failure_of_the_signals() -> None:
    with pytest.raises(NotImplementedError, match="ours"), signals(signal.SIGTERM):
        raise NotImplementedError("ours")
