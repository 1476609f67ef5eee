"""Which tests are slow: those that need somebody else, a process or a server or a compiler.

`pytest -m "not slow"` is the short loop. A test that starts a process without the mark fails.
"""

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
FOLDERS: Final = (TESTS / "e2e", TESTS / "typing")
"""Everything below is slow: programs that talk, and type checkers."""
FIXTURES: Final = frozenset({"trees"})
"""Whatever asks for one of these is slow, through other fixtures too."""
EVENTS: Final = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}
) | {"subprocess.Popen"}
"""What Python audits where a process is started, whichever library asks for it."""

_started: Final[list[str]] = []
"""What was started since the test began."""


def is_slow(item: pytest.Item) -> bool:
    """Tell by the mark, which is there once the tests are collected."""
    return item.get_closest_marker("slow") is not None


def pytest_configure() -> None:
    """Listen to what is started. There is no way to stop listening, so it costs one look."""
    sys.addaudithook(_hear)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it stands or what it asks for."""
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        if not FIXTURES.isdisjoint(fixtures) or any(
            item.path.is_relative_to(folder) for folder in FOLDERS
        ):
            item.add_marker("slow")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget what was started before this test."""
    _started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that is not marked and started a process."""
    done = yield
    if _started and not is_slow(item):
        pytest.fail(f"not marked slow, but it started {', '.join(_started)}", pytrace=False)
    return done


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event in EVENTS:
        _started.append(f"{arguments[0]!r} ({event})" if arguments else event)
