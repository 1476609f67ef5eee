"""Compare whole servers: `python -m tests.benchmarks.compare [NAME ...]`.

What counts is processor time of the server's processes per message, which holds on a shared
machine where throughput does not. Every round starts each server anew, one after the other, and
the figures are the least of the rounds: what else a machine does can only add to them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.crowd import Crowd
from tests.benchmarks.machine import allow_many_files
from tests.benchmarks.peer import LoadError
from tests.benchmarks.process import ServerTree, launched
from tests.benchmarks.servers import HERE, REFERENCE, SERVERS, Server
from tests.benchmarks.table import Figures, markdown, plain, write_between
from tests.benchmarks.workloads import Span, conversation, echo, fan_out

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


def work(server: Server, span: Span) -> dict[str, Callable[[ServerTree], float]]:
    """Name each column of the table, with what measures it."""

    def echoes(depth: int) -> Callable[[ServerTree], float]:
        def measure(tree: ServerTree) -> float:
            with crowd(server, tree.port, 50) as peers:
                return echo(peers, depth, span, tree).microseconds

        return measure

    def deliveries(members: int) -> Callable[[ServerTree], float]:
        def measure(tree: ServerTree) -> float:
            with crowd(server, tree.port, members + 1, chatting=True) as peers:
                return fan_out(peers, span, tree).microseconds

        return measure

    def talk(tree: ServerTree) -> float:
        with crowd(server, tree.port, 50, chatting=True) as peers:
            return conversation(peers, span, tree).microseconds

    return {
        "kB a connection": lambda tree: idle_memory(server, tree, IDLE),
        "echo": echoes(1),
        "echo, 8 in flight": echoes(8),
        "fan-out to 100": deliveries(100),
        "fan-out to 1,000": deliveries(1000),
        "50 who all talk": talk,
    }


def measure(server: Server, span: Span) -> dict[str, float]:
    """Run a server once, and all the work on it; raises LoadError."""
    with launched(server.command, cwd=HERE) as tree:
        return {name: one(tree) for name, one in work(server, span).items()}


def rounds(names: list[str], number: int, span: Span) -> Figures:
    """Measure servers in turn, so many times; the least that each took."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for turn in range(1, number + 1):
        for name in names:
            print(f"round {turn} of {number}: {name}", file=sys.stderr, flush=True)
            found[name].append(measure(SERVERS[name], span))
    return {
        name: {column: min(each[column] for each in all_of) for column in all_of[0]}
        for name, all_of in found.items()
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compare", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
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
