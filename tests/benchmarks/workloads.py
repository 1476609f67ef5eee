"""What is asked of a server, and what it costs: processor time of its processes per message."""

import gc
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from tests.benchmarks.crowd import DEADLINE, Crowd
from tests.benchmarks.peer import LoadError

TURNS: Final = 3
"""How often, in one round, those that are compared take turns at the same work."""


class Meter(Protocol):
    """What reads the server's use of the machine."""

    def cpu_seconds(self) -> float:
        """Processor time used so far, by all of its processes."""
        ...

    def memory_kb(self) -> float:
        """Memory in use now, by all of its processes."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """How long to measure: until both have passed.

    Attributes:
        seconds: Of measuring; as many again, but one at most, go before it unmeasured.
        messages: That must have come.
    """

    seconds: float = 2.0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement.

    Attributes:
        messages: Replies, or deliveries, that came.
        seconds: How long it took.
        cpu_seconds: The server's processor time meanwhile.
    """

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def microseconds(self) -> float:
        """Processor time of the server per message."""
        return self.cpu_seconds / self.messages * 1e6


def echo(crowd: Crowd, depth: int, span: Span, meter: Meter) -> Sample:
    """Keep `depth` messages of each connection in flight: each reply sends the next message."""

    def turn() -> int:
        found = 0
        for peer, count in crowd.arrivals():
            for _ in range(count):
                peer.send_next()
            found += count
        return found

    for _ in range(depth):
        for peer in crowd.peers:
            peer.send_next()
    return _measure(turn, span, meter)


def fan_out(crowd: Crowd, span: Span, meter: Meter) -> Sample:
    """The first connection sends to the others; the next goes out once all of them have the last.

    What counts are the deliveries.
    """
    publisher = crowd.peers[0]
    receivers = len(crowd.peers) - 1
    missing = receivers

    def turn() -> int:
        nonlocal missing
        found = sum(count for peer, count in crowd.arrivals() if peer is not publisher)
        missing -= found
        if missing < 0:
            raise LoadError("the server delivered a message twice")
        if missing == 0:
            missing = receivers
            publisher.send_next()
        return found

    publisher.send_next()
    return _measure(turn, span, meter)


def conversation(crowd: Crowd, span: Span, meter: Meter) -> Sample:
    """Every connection sends to the others; all of them again, once everything came.

    What counts are the deliveries.
    """
    said = len(crowd.peers) * (len(crowd.peers) - 1)
    missing = 0

    def turn() -> int:
        nonlocal missing
        if missing == 0:
            missing = said
            for peer in crowd.peers:
                peer.send_next()
        found = sum(count for _, count in crowd.arrivals())
        missing -= found
        if missing < 0:
            raise LoadError("the server delivered a message twice")
        return found

    return _measure(turn, span, meter)


def answer_each(crowd: Crowd) -> float:
    """Send one message on each connection; return the seconds until all are answered."""
    begun = time.monotonic()
    missing = len(crowd.peers)
    for peer in crowd.peers:
        peer.send_next()
    while missing:
        missing -= sum(count for _, count in crowd.arrivals())
        if time.monotonic() - begun > DEADLINE:
            raise LoadError(f"{missing} connections got no answer in {DEADLINE:g} s")
    return time.monotonic() - begun


def _measure(turn: Callable[[], int], span: Span, meter: Meter) -> Sample:
    with _undisturbed():
        _run(turn, Span(min(1.0, span.seconds / 2)))
        cpu, begun = meter.cpu_seconds(), time.monotonic()
        messages = _run(turn, span)
        return Sample(messages, time.monotonic() - begun, meter.cpu_seconds() - cpu)


def _run(turn: Callable[[], int], span: Span) -> int:
    begun = heard = time.monotonic()
    messages = 0
    while messages < span.messages or time.monotonic() - begun < span.seconds:
        found = turn()
        messages += found
        if found:
            heard = time.monotonic()
        elif time.monotonic() - heard > DEADLINE:
            raise LoadError(f"nothing came for {DEADLINE:g} s after {messages} messages")
    return messages


@contextmanager
def _undisturbed() -> Generator[None, None, None]:
    """Keep the generator's own garbage collection out of the way."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
