"""Which changes of which files count."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from watchfiles import Change

from bytesocket_cli.watching import OwnWrites, changes, relevant


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time on."""
    now = [0.0]

    def move(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(anyio, "current_time", lambda: now[0])
    return move


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("app.py", True),
        ("chat/static/page.html", True),
        ("chat/static/client.js", False),  # written by ourselves
        (".env", True),
        ("chat.db", False),
        ("chat/__pycache__/app.py", False),
        (".git/config.toml", False),
        ("venv/lib/site.py", False),
        ("my/env/lib/site.py", False),  # has a pyvenv.cfg
        ("node_modules/x/index.js", False),
        ("tests/test_app.py", False),
        ("../elsewhere/app.py", False),
    ],
)
def test_a_file_counts_or_not(tmp_path: Path, name: str, counts: bool) -> None:
    root = tmp_path / ".hidden" / "project"  # what is above the project does not decide
    (root / "my/env").mkdir(parents=True)
    (root / "my/env/pyvenv.cfg").touch()
    decide = relevant([root], [root / "chat/static/client.js"])
    path = root.parent / "elsewhere/app.py" if name.startswith("..") else root / name
    assert decide(Change.modified, str(path)) is counts


@pytest.mark.anyio
async def test_changes_come_until_the_watch_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Polling sees a change whenever it was made after the start; a notification could be missed.
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    monkeypatch.setenv("WATCHFILES_POLL_DELAY_MS", "20")
    file = tmp_path / "app.py"
    stop = anyio.Event()
    with anyio.fail_after(30):
        async with writing(file):
            async for found in changes([tmp_path], [], stop):
                assert found == {file}
                stop.set()


@asynccontextmanager
async def writing(file: Path) -> AsyncGenerator[None]:
    """Change a file again and again: nobody says when a watch has begun."""

    async def write() -> None:
        text = "x"
        while True:
            await anyio.Path(file).write_text(text)
            text += "x"
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        yield
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_edits_between_starts_are_never_taken_for_the_applications_own(
    clock: Callable[[float], None],
) -> None:
    writes, edited = OwnWrites(), frozenset({Path("app.py")})
    for _ in range(9):
        writes.begin()
        writes.end()
        clock(OwnWrites.SETTLING + 1)
        assert writes.sift(edited) == (edited, frozenset())


@pytest.mark.anyio
async def test_an_edit_at_another_time_counts_after_all(clock: Callable[[float], None]) -> None:
    writes, file = OwnWrites(), frozenset({Path("state.json")})
    followed: list[bool] = []
    for _ in range(4):
        writes.begin()
        followed.append(writes.sift(file)[0] == file)
        writes.end()
    assert followed == [True, True, False, False]
    clock(OwnWrites.SETTLING + 1)
    assert writes.sift(file) == (file, frozenset())


@pytest.mark.anyio
async def test_starts_without_a_change_between_end_a_row() -> None:
    writes, file = OwnWrites(), frozenset({Path("state.json")})
    for number in range(9):
        writes.begin()
        if number % 3 != 2:
            assert writes.sift(file) == (file, frozenset())
        writes.end()


@pytest.mark.anyio
async def test_a_start_that_was_cut_short_ends_no_row() -> None:
    writes, file = OwnWrites(), frozenset({Path("state.json")})
    followed: list[bool] = []
    for _ in range(4):
        writes.begin()
        followed.append(writes.sift(file)[0] == file)  # and the start is cut short
        writes.begin()
        writes.end()
    assert followed == [True, True, False, False]


@pytest.mark.anyio
async def test_what_somebody_saved_often_counts_after_one_more_start(
    clock: Callable[[float], None],
) -> None:
    writes, file = OwnWrites(), frozenset({Path("app.py")})
    for _ in range(2):  # the second time as the first
        told = [start(writes, file) for _ in range(3)]
        assert told == [frozenset(), frozenset(), file]
        clock(OwnWrites.SETTLING + 1)
        await writes.look_again(file)
        start(writes)  # and nothing changes
        start(writes)


@pytest.mark.anyio
async def test_what_changes_in_one_more_start_is_told_of_once(
    clock: Callable[[float], None],
) -> None:
    writes, file = OwnWrites(), frozenset({Path("state.json")})
    told = [start(writes, file) for _ in range(3)]
    clock(OwnWrites.SETTLING + 1)
    await writes.look_again(file)
    assert [*told, start(writes, file)] == [frozenset(), frozenset(), file, frozenset()]


def start(writes: OwnWrites, changed: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """Start an application, during which files change; returns those that count as its own now."""
    writes.begin()
    _, own = writes.sift(changed)
    writes.end()
    return own
