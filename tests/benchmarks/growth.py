"""Measure what more of everything costs: `python -m tests.benchmarks.growth`.

Processor time of the server per delivery as a room grows, and per message as there are more rooms
and more events; and thousands of idle connections, which are then asked something all at once.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.chart import Curve, Panel, draw
from tests.benchmarks.compare import README, crowd
from tests.benchmarks.crowd import Crowd, Greeting
from tests.benchmarks.frames import masked
from tests.benchmarks.machine import allow_many_files, describe
from tests.benchmarks.peer import LoadError
from tests.benchmarks.process import ServerTree, launched
from tests.benchmarks.servers import HERE, MESSAGE, SERVERS, Server, ours
from tests.benchmarks.table import write_between
from tests.benchmarks.workloads import TURNS, Span, answer_each, echo, fan_out

PICTURE = README.parent / ".github" / "growth.svg"
MEMBERS = (100, 1_000, 10_000)
SIZES = (1, 100, 1_000)
IDLE = 10_000
ASKING = 50
"""Connections that ask; what there is of rooms or events is shared out among them."""
DEPTH = 4
"""Questions of each of them in flight."""

Series = dict[int, float]
"""Size, microseconds of the server's processor time a message."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something an application can have many of.

    Attributes:
        label: What they are.
        size: What `growth_app.py` is to have so many of; None where a client makes them.
        room: The name of the live room of this number; None where the question is global.
        event: The name of the event of this number.
    """

    label: str
    size: str | None
    room: Callable[[int], str] | None
    event: Callable[[int], str]

    def greet(self, share: Sequence[int]) -> Greeting:
        """Join the rooms of a connection's share."""
        if self.room is None:
            return Greeting("/ws")
        join = {"type": 15, "rooms": [self.room(number) for number in share]}
        return Greeting("/ws", (masked(json.dumps(join)),), 1)

    def frame(self, number: int) -> bytes:
        """Ask in the room, or by the event, of this number."""
        question = {"event": self.event(number), "data": {"message": MESSAGE}}
        room = {} if self.room is None else {"room": self.room(number)}
        return masked(json.dumps({**room, **question}))


KINDS = (
    Kind("events with a handler", "events", None, lambda number: f"ask{number}"),
    Kind("rooms by name", "rooms", lambda number: f"room{number}", lambda _: "ask"),
    Kind("rooms of one pattern", None, lambda number: f"kind0:{number}", lambda _: "ask"),
    Kind("patterns of rooms", "patterns", lambda number: f"kind{number}:7", lambda _: "ask"),
)


def share(number: int, size: int) -> list[int]:
    """Which of so many things are for the connection of this number: all are for one or more."""
    return list(range(number, size, ASKING)) or [number % size]


def message_costs(kind: Kind, transport: str, span: Span) -> Series:
    """Measure messages to applications that have so many of a kind, in turn.

    All of them are up at once and each is measured many times for a short while: what else the
    machine does then meets every size alike. The least that each took.
    """
    target = ours(transport, "growth_app.py")
    found: dict[int, list[float]] = {size: [] for size in SIZES}
    with ExitStack() as stack:
        trees: dict[int, ServerTree] = {}
        for size in SIZES:
            wanted = {} if kind.size is None else {kind.size: size}
            environment = {"GROWTH": json.dumps(wanted)}
            server = launched(target, cwd=HERE, environment=environment)
            trees[size] = stack.enter_context(server)
        brief = Span(span.seconds / TURNS)
        for _ in range(TURNS * TURNS):
            for size, tree in trees.items():
                with asking(kind, size, tree) as peers:
                    found[size].append(echo(peers, DEPTH, brief, tree).microseconds)
    return {size: min(values) for size, values in found.items()}


def asking(kind: Kind, size: int, tree: ServerTree) -> Crowd:
    """Make connections that hold everything an application has so many of, each its share.

    Each asks by the last of its share, which is where a search would come last.
    """
    return Crowd(
        tree.port,
        ASKING,
        greet=lambda number: kind.greet(share(number, size)),
        frames=lambda number: [kind.frame(share(number, size)[-1])],
    )


def delivery_costs(server: Server, span: Span) -> Series:
    """Measure deliveries to rooms of each size, in turn as messages are, but for longer.

    Thousands of new connections are dearer in their first second than later.
    """
    found: dict[int, list[float]] = {size: [] for size in MEMBERS}
    with ExitStack() as stack:
        trees = {size: stack.enter_context(launched(server.command, cwd=HERE)) for size in MEMBERS}
        for _ in range(TURNS):
            for size, tree in trees.items():
                with crowd(server, tree.port, size + 1, chatting=True) as peers:
                    # Ten rounds at the least: some servers need seconds for the largest room's.
                    least = Span(span.seconds, size * 10)
                    found[size].append(fan_out(peers, least, tree).microseconds)
    return {size: min(values) for size, values in found.items()}


@dataclass(frozen=True, slots=True)
class Held:
    """Many idle connections.

    Attributes:
        kb: Memory that one took.
        answered: Seconds until each of them had an answer, all asked at once.
    """

    kb: float
    answered: float


def hold(server: Server, size: int) -> Held:
    """Hold idle connections, then ask each of them something."""
    with launched(server.command, cwd=HERE) as tree:
        before = tree.memory_kb()
        with crowd(server, tree.port, size) as peers:
            kb = (tree.memory_kb() - before) / size
            return Held(kb, answer_each(peers))


def measure(transport: str, rivals: Sequence[str], number: int, span: Span) -> dict[str, Series]:
    """Measure every curve, all of them in each round; the least that each took."""
    rounds: dict[str, list[Series]] = {}
    for turn in range(1, number + 1):
        for name in (transport, *rivals):
            print(f"round {turn} of {number}: {name}", file=sys.stderr, flush=True)
            rounds.setdefault(name, []).append(delivery_costs(SERVERS[name], span))
        for kind in KINDS:
            print(f"round {turn} of {number}: {kind.label}", file=sys.stderr, flush=True)
            rounds.setdefault(kind.label, []).append(message_costs(kind, transport, span))
    return {
        label: {size: min(each[size] for each in all_of) for size in all_of[0]}
        for label, all_of in rounds.items()
    }


def spread(series: Series) -> float:
    """Return the dearest size over the cheapest."""
    return max(series.values()) / min(series.values())


def report(curves: dict[str, Series], held: Held) -> str:
    """Lay out the curves as text."""
    lines = [
        f"{label:22}"
        + "".join(f"{f'{size:,}: {value:.2f} µs':>18}" for size, value in series.items())
        + f"   spread {spread(series):.2f}"
        for label, series in curves.items()
    ]
    idle = (
        f"{IDLE:,} idle connections: {held.kb:.1f} kB each, all answered in {held.answered:.2f} s"
    )
    return "\n".join([*lines, idle, f"{describe()}."])


def picture(curves: dict[str, Series], transport: str) -> str:
    """Draw the curves: deliveries beside the rivals' on the left, messages on the right."""
    kinds = [kind.label for kind in KINDS]
    return draw(
        Panel(
            "CPU per delivery, by members of the room",
            [
                Curve(_plain(SERVERS[name].label), series, ours=name == transport)
                for name, series in curves.items()
                if name not in kinds
            ],
        ),
        Panel(
            "CPU per message, by how many there are",
            [Curve(label, curves[label], ours=True) for label in kinds],
        ),
    )


def _plain(label: str) -> str:
    return label.replace("*", "").replace("`", "")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=__doc__)
    choices = ("picows", "uvicorn", "hypercorn")
    parser.add_argument("--transport", choices=choices, default="picows")
    parser.add_argument("--rivals", nargs="*", default=["node-ws"])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--readme", action="store_true", help="draw the README's picture")
    return parser.parse_args()


def main() -> int:
    """Measure and print; draw the picture if asked to. Exit code 1 if a server fails."""
    chosen = arguments()
    allow_many_files()
    try:
        held = hold(SERVERS[chosen.transport], IDLE)
        span = Span(chosen.seconds)
        curves = measure(chosen.transport, chosen.rivals, chosen.rounds, span)
    except LoadError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    print(report(curves, held))
    if chosen.readme:
        PICTURE.write_text(picture(curves, chosen.transport))
        write_between(README, "growth", sentence(curves, chosen.transport, held))
    return 0


def sentence(curves: dict[str, Series], transport: str, held: Held) -> str:
    """Say in the README what the picture shows."""
    members = f"{spread(curves[transport]):.2f}"
    kinds = [transport, *(kind.label for kind in KINDS)]
    rivals = [name for name in curves if name not in kinds]
    if rivals:
        theirs = (f"{SERVERS[name].label}: {spread(curves[name]):.2f}" for name in rivals)
        members += f" ({', '.join(theirs)})"
    most = max(spread(curves[kind.label]) for kind in KINDS)
    path = Path(PICTURE).relative_to(README.parent)
    return (
        f"![Processor time by size: members of a room, rooms, events]({path})\n\n"
        f"From 100 to 10,000 members a delivery's cost differs by a factor of {members}; from "
        f"1 to 1,000 rooms or events a message's by at most {most:.2f}. {IDLE:,} idle connections "
        f"take {held.kb:.0f} kB each; asked all at once, they had their answers in "
        f"{held.answered:.1f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
