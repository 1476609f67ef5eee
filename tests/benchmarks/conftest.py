"""Benchmarks against plain Python: run once for their results, or measured with a flag.

`pytest tests/benchmarks --benchmark-enable` measures, and prints each as a ratio.
"""

from collections.abc import Callable, Generator
from typing import Any, Literal, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

T = TypeVar("T")
Side = Literal["plain Python", "bytesocket"]
Timed = Callable[[str, Callable[[], T]], T]

_BEST = pytest.StashKey[dict[str, dict[str, float]]]()
"""What was compared, side: the best round's seconds, which other work disturbs the least."""


@pytest.fixture(params=["plain Python", "bytesocket"])
def side(request: pytest.FixtureRequest) -> Side:
    """Say which of the two does the work in this run of the test."""
    chosen: Side = request.param
    return chosen


@pytest.fixture
def timed(request: pytest.FixtureRequest, side: Side, benchmark: Any) -> Timed[Any]:
    """Call a function, once or to measure it, and give back what it returned.

    `benchmark` is pytest-benchmark's, whose types are partly unknown.
    """
    best = request.config.stash.setdefault(_BEST, {})

    def call(name: str, function: Callable[[], T]) -> T:
        benchmark.group = name
        result: T = benchmark(function)
        if benchmark.stats is not None:
            best.setdefault(name, {})[side] = benchmark.stats.stats.min
        return result

    return call


@pytest.fixture(scope="module")
def portal() -> Generator[BlockingPortal]:
    """Provide an event loop that goes on while what it runs is measured from outside."""
    with start_blocking_portal("asyncio") as portal:
        yield portal


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the ratios of what was measured on both sides."""
    compared = config.stash.setdefault(_BEST, {})
    both = {name: best for name, best in compared.items() if len(best) > 1}
    if not both:
        return
    terminalreporter.section("bytesocket / plain Python (best rounds)")
    width = max(map(len, both))
    for name, best in both.items():
        ratio = best["bytesocket"] / best["plain Python"]
        terminalreporter.write_line(f"{name:{width}}  {ratio:5.2f}")
