"""A small vocabulary of events, and what tests need to watch an application at work."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from anyio import Event as Signal
from anyio import fail_after
from anyio.lowlevel import checkpoint

from bytesocket_app import ByteSocket, ClientEvent, Event, ServerEvent, Settings

DEADLINE = 30.0
"""Seconds for anything to happen in memory, on a busy machine."""


class Say(ClientEvent, name="say"):
    """A client says something."""

    text: str


class Said(ServerEvent, name="said"):
    """Somebody said something."""

    text: str


class Wave(Event, name="wave"):
    """Somebody waves to the others."""

    hand: str = "left"


def talk(settings: Settings | None = None, **more: Any) -> ByteSocket:
    """An application that knows the vocabulary, and nothing to do with it."""
    return ByteSocket(title="Talk", events=[Say, Said, Wave], settings=settings, **more)


async def until(condition: Callable[[], object]) -> None:
    """Let the others work until something is so."""
    with fail_after(DEADLINE):
        while not condition():
            await checkpoint()


async def wait(signal: Signal) -> None:
    """Wait for a signal, with a deadline."""
    with fail_after(DEADLINE):
        await signal.wait()


def error(answer: Any) -> Mapping[str, Any]:
    """The error of an error context, wherever the message carries it."""
    found: Mapping[str, Any] = answer["data"]["error"]
    return found


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.ERROR) -> list[str]:
    """The messages of at least that level."""
    return [record.getMessage() for record in caplog.records if record.levelno >= level]
