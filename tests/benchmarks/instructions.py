"""Count instructions a message: `python -m tests.benchmarks.instructions [--before FOLDER]`.

Real servers run under cachegrind, so that the figures are the same on a busy machine. Each work is
done with few and with many messages; what counts is the difference, which has no start in it. With
an engine, one broker carries what two processes say to each other; its own work is not counted.
"""

import argparse
import os
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tests.benchmarks.crowd import Crowd, Greeting
from tests.benchmarks.frames import masked
from tests.benchmarks.peer import LoadError, Peer
from tests.benchmarks.process import launched
from tests.support.brokers import running_broker

HERE: Final = Path(__file__).parents[2]
SLOW: Final = 180.0
"""Seconds that a server may take to start or to end, which is many times slower so."""
SILENT: Final = 120
"""Looks, of half a second each, after which messages that did not come are missed."""

_CACHEGRIND: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no")
_JOIN: Final = masked('{"type": 9, "room": "lobby"}')
_ECHO: Final = masked('{"event": "echo", "data": {"message": "hello world, this is a message"}}')
_CHAT: Final = masked(
    '{"room": "lobby", "event": "chat", "data": {"message": "hello world, this is a message"}}'
)


class Work(NamedTuple):
    """Messages of one connection, one at a time, and how many others get each.

    Attributes:
        receivers: How many others; 0 if it is answered itself.
        is_remote: True if these are connected to another process.
        few, many: Messages of the two runs whose difference counts.
    """

    receivers: int
    few: int
    many: int
    is_remote: bool = False


WORKS: Final = {
    "echo": Work(0, 300, 1300),
    "relay to 1": Work(1, 300, 1300),
    "relay to 100": Work(100, 50, 450),
    "relay to 100 elsewhere": Work(100, 50, 450, is_remote=True),
}

BARS: Final = (
    ("echo", "none", "before", 1.03),
    ("relay to 1", "none", "before", 1.03),
    ("relay to 100", "none", "before", 1.03),
    ("relay to 1", "engine", "none", 2.5),
    ("relay to 100", "engine", "none", 1.2),
    ("relay to 100 elsewhere", "engine", "none", 1.3),
)
"""Work, what is compared with what, and the most that the ratio may be."""


@contextmanager
def serving(
    folder: Path, number: int, transport: str, engine: str, logs: Path
) -> Generator[list[int], None, None]:
    """Run so many processes of a working copy's application for the block; gives their ports."""
    paths = os.pathsep.join(str(folder / part) for part in ("", "cli", "templates"))
    environment = {"PYTHONPATH": paths, "PYTHONHASHSEED": "0", "BYTESOCKET_ENGINE": engine}

    def command(log: Path, port: int) -> Sequence[str]:
        outputs = (f"--log-file={log}", "--cachegrind-out-file=/dev/null")
        run = ("run", "tests/benchmarks/app.py", "--transport", transport, "--port", str(port))
        return (*_CACHEGRIND, *outputs, sys.executable, "-m", "bytesocket_cli", *run)

    with ExitStack() as stack:
        trees = [
            stack.enter_context(
                launched(
                    partial(command, logs / str(index)),
                    cwd=folder,
                    environment=environment,
                    patience=SLOW,
                )
            )
            for index in range(number)
        ]
        yield [tree.port for tree in trees]


def drive(publisher: Peer, crowd: Crowd, receivers: int, messages: int) -> None:
    """Send messages one after another, each when all who get it have the one before."""
    for _ in range(messages):
        publisher.send_next()
        missing, looks = receivers or 1, 0
        while missing > 0:
            for peer, found in crowd.arrivals(0.5):
                if peer is not publisher or not receivers:
                    missing -= found
            looks += 1
            if looks > SILENT:
                raise LoadError(f"{missing} messages did not come")


def total(folder: Path, work: Work, messages: int, transport: str, engine: str) -> int:
    """Return the instructions of all processes, from their starts to their ends."""
    with TemporaryDirectory() as logs:
        number = 1 + work.is_remote
        with (
            serving(folder, number, transport, engine, Path(logs)) as ports,
            ExitStack() as stack,
        ):

            def crowd(port: int, size: int) -> Crowd:
                greeting = Greeting("/ws", (_JOIN,), 1) if work.receivers else Greeting("/ws")
                frames = (_CHAT if work.receivers else _ECHO,)
                made = Crowd(port, size, greet=lambda _: greeting, frames=lambda _: frames)
                return stack.enter_context(made)

            if work.is_remote:
                crowds = [crowd(ports[0], 1), crowd(ports[1], work.receivers)]
            else:
                crowds = [crowd(ports[0], 1 + work.receivers)]
            drive(crowds[0].peers[0], crowds[-1], work.receivers, messages)
        return sum(map(_references, Path(logs).iterdir()))


def _references(log: Path) -> int:
    """Return the instructions of one process, from what cachegrind says at its end."""
    found = re.search(r"I +refs: +([\d,]+)", log.read_text())
    if found is None:
        raise LoadError(f"cachegrind did not end well: {log.read_text()[-500:]}")
    return int(found[1].replace(",", ""))


def instructions(folder: Path, work: Work, transport: str, engine: str) -> float:
    """Return the instructions of one message, of all processes together."""
    few, many = (
        total(folder, work, messages, transport, engine) for messages in (work.few, work.many)
    )
    return (many - few) / (work.many - work.few)


def main() -> None:
    """Count, and print a table; the exit code is 1 if a ratio is above its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a working copy to compare with")
    parser.add_argument("--transport", default="hypercorn", help="what serves; %(default)s")
    parser.add_argument("--work", choices=WORKS, action="append", help="only this; repeatable")
    options = parser.parse_args()
    counted: dict[tuple[str, str], float] = {}
    with running_broker("redis-6.2") as broker:
        for name in options.work or WORKS:
            work, transport = WORKS[name], options.transport
            if options.before is not None and not work.is_remote:
                counted[name, "before"] = instructions(
                    options.before.resolve(), work, transport, ""
                )
            if not work.is_remote:
                counted[name, "none"] = instructions(HERE, work, transport, "")
            counted[name, "engine"] = instructions(HERE, work, transport, broker.url)
    if ("relay to 100", "none") in counted:
        counted["relay to 100 elsewhere", "none"] = counted["relay to 100", "none"]
    for (name, which), number in counted.items():
        print(f"{name:24}{which:8}{number:14,.0f}")
    missed = False
    for name, one, other, most in BARS:
        if (name, one) in counted and (name, other) in counted:
            ratio = counted[name, one] / counted[name, other]
            missed |= ratio > most
            print(f"{name:24}{one} / {other:8}{ratio:8.3f}, at most {most}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
