"""Compare whole servers: `python -m tests.benchmarks.compare [NAME ...]`.

What counts is processor time of the server's processes per message, which holds on a shared
machine where throughput does not. Every round starts all servers anew and has them take turns at
each kind of work, so that what else the machine does meets all of them alike; the figures are the
least of all turns, as it can only add to them.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.crowd import Crowd
from tests.benchmarks.machine import allow_many_files
from tests.benchmarks.peer import LoadError
from tests.benchmarks.process import ServerTree, launched
from tests.benchmarks.servers import HERE, REFERENCE, SERVERS, Server
from tests.benchmarks.table import MEMORY, Figures, markdown, plain, write_between
from tests.benchmarks.workloads import TURNS, Span, conversation, echo, fan_out

README = Path(__file__).parents[2] / "README.md"
IDLE = 2000
"""Connections that are held to see what one takes."""


def crowd(server: Server, port: int, size: int, *, chatting: bool = False) -> Crowd:
    """Make connections to a server that echo, or that chat."""
    dialect = server.dialect
    frames = (dialect.chat if chatting else dialect.echo,)
    return Crowd(port, size, greet=lambda _: dialect.greeting, frames=lambda _: frames)


def idle_memory(server: Server, tree: ServerTree, size: int) -> float:
    """Memory that one idle connection takes, in kB; of a server that has served some before."""
    with crowd(server, tree.port, 10) as few:
        echo(few, 1, Span(0, 100), tree)
        before = tree.memory_kb()
        with crowd(server, tree.port, size):
            return (tree.memory_kb() - before) / size


def echoes(server: Server, tree: ServerTree, depth: int, span: Span) -> float:
    """Microseconds an echo, of 50 connections with so many messages in flight."""
    with crowd(server, tree.port, 50) as peers:
        return echo(peers, depth, span, tree).microseconds


def deliveries(server: Server, tree: ServerTree, members: int, span: Span) -> float:
    """Microseconds a delivery, of one connection's messages to so many others."""
    with crowd(server, tree.port, members + 1, chatting=True) as peers:
        return fan_out(peers, span, tree).microseconds


def talk(server: Server, tree: ServerTree, span: Span) -> float:
    """Microseconds a delivery, where 50 connections all send to the others."""
    with crowd(server, tree.port, 50, chatting=True) as peers:
        return conversation(peers, span, tree).microseconds


WORK: Final[dict[str, Callable[[Server, ServerTree, Span], float]]] = {
    "echo": lambda server, tree, span: echoes(server, tree, 1, span),
    "echo, 8 in flight": lambda server, tree, span: echoes(server, tree, 8, span),
    "fan-out to 100": lambda server, tree, span: deliveries(server, tree, 100, span),
    "fan-out to 1,000": lambda server, tree, span: deliveries(server, tree, 1000, span),
    "50 who all talk": talk,
}


def measure(names: Sequence[str], span: Span) -> Figures:
    """Run servers once, all at the same time; the least of each one's turns.

    Raises:
        LoadError: A server failed; the message begins with its name.
    """
    figures: Figures = {name: {} for name in names}
    name = ""
    try:
        with ExitStack() as stack:
            trees: dict[str, ServerTree] = {}
            for name in names:
                trees[name] = stack.enter_context(launched(SERVERS[name].command, cwd=HERE))
            for name in names:
                figures[name][MEMORY] = idle_memory(SERVERS[name], trees[name], IDLE)
            for column, work in WORK.items():
                for name in [*names] * TURNS:
                    value = work(SERVERS[name], trees[name], span)
                    figures[name][column] = min(value, figures[name].get(column, value))
    except LoadError as error:
        raise LoadError(f"{name}: {error}") from error
    return figures


def rounds(names: Sequence[str], number: int, span: Span) -> Figures:
    """Measure servers so many times; the least that each took."""
    found: list[Figures] = []
    for turn in range(1, number + 1):
        print(f"round {turn} of {number}", file=sys.stderr, flush=True)
        found.append(measure(names, span))
    return {
        name: {column: min(each[name][column] for each in found) for column in found[0][name]}
        for name in names
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compare", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is started")
    parser.add_argument("--seconds", type=float, default=0.7, help="of each measurement")
    parser.add_argument("--readme", action="store_true", help="write the README's table")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in SERVERS]
    if unknown:
        parser.error(f"no server is called {', '.join(unknown)}: they are {', '.join(SERVERS)}")
    return chosen


def main() -> int:
    """Measure and print, or write the README's table. Exit code 1 if a server cannot take part."""
    chosen = arguments()
    names = list(chosen.names or SERVERS)
    if REFERENCE not in names:
        names.insert(0, REFERENCE)
    for name in names:
        if SERVERS[name].missing:
            packages = " ".join(SERVERS[name].missing)
            print(f"{name} cannot take part: pip install {packages}", file=sys.stderr)
            return 1
    allow_many_files()
    try:
        figures = rounds(names, chosen.rounds, Span(chosen.seconds))
    except LoadError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    print(plain(figures, REFERENCE))
    if chosen.readme:
        write_between(README, "servers", markdown(figures, REFERENCE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
