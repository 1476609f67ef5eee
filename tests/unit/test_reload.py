"""The supervisor: which child serves, after which change, and what is said about it."""

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from bytesocket_app.serving.runners.listening import listen
from bytesocket_cli import reload
from bytesocket_cli.child import Child
from bytesocket_cli.errors import CliError
from bytesocket_cli.reload import ReloadPlan, Supervisor, supervise
from bytesocket_cli.targets import Target, resolve
from tests.support.server_process import DEADLINE

pytestmark = pytest.mark.anyio

READY = {"ready": {"import_string": "app:app"}}
STARTED = {"started": True}


class FakeChild:
    """A child that reports what it was made with, and ends when it is told to."""

    def __init__(
        self, name: str, *reports: dict[str, Any], code: int = 0, hangs: bool = False
    ) -> None:
        self.name = name
        self.reports = list(reports)
        self.code = code
        self.hangs = hangs
        self.is_wanted = True
        self.ended = anyio.Event()
        self.log: list[str] = []

    async def report(self) -> dict[str, Any]:
        await anyio.lowlevel.checkpoint()
        if self.hangs:
            await anyio.sleep_forever()
        return self.reports.pop(0) if self.reports else {}

    def serve(self) -> None:
        self.log.append("serve")

    async def wait(self) -> int:
        if self.is_wanted and not self.reports and "serve" not in self.log:
            return self.code
        if self.is_wanted and "dead" in self.log:
            return self.code
        await self.ended.wait()
        return self.code

    async def stop(self) -> None:
        self.is_wanted = False
        self.log.append("stop")
        self.ended.set()
        await anyio.lowlevel.checkpoint()

    def kill(self) -> None:
        self.log.append("kill")
        self.ended.set()

    def die(self, code: int) -> None:
        """End without being asked to."""
        self.code = code
        self.log.append("dead")
        self.ended.set()


class Stage:
    """A supervisor whose children and changes are the test's."""

    def __init__(self, plan: ReloadPlan) -> None:
        self.supervisor = Supervisor(plan)
        self.stopped = anyio.Event()
        self.result: str | None = None
        self.over = anyio.Event()

    async def run(self) -> None:
        self.result = await self.supervisor.work(self.stopped)
        self.over.set()


Changes = Callable[[str], None]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "app.py").touch()
    return resolve("app.py", tmp_path)


@pytest.fixture
def ready() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def plan(target: Target, ready: list[dict[str, Any]]) -> Generator[ReloadPlan, None, None]:
    with listen("127.0.0.1", 0) as listener:
        yield ReloadPlan(
            target=target, listener=listener, reload=True, ignored=(), ready=ready.append
        )


@asynccontextmanager
async def staged(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, *children: FakeChild
) -> AsyncGenerator[tuple[Stage, Changes]]:
    waiting = list(children)
    tell, news = anyio.create_memory_object_stream[str](10)

    async def start(_target: Target, _listener: object) -> FakeChild:
        return waiting.pop(0)

    async def watch(*_: object) -> AsyncIterator[frozenset[Path]]:
        async for name in news:
            yield frozenset({Path(name)})

    monkeypatch.setattr(Child, "start", start)
    monkeypatch.setattr(reload, "changes", watch)
    stage = Stage(plan)
    with anyio.fail_after(DEADLINE):
        async with tell, news, anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run)
            yield stage, tell.send_nowait
            tasks.cancel_scope.cancel()


async def settled() -> None:
    await anyio.wait_all_tasks_blocked()


async def test_a_change_replaces_the_child(
    plan: ReloadPlan,
    monkeypatch: pytest.MonkeyPatch,
    ready: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new = FakeChild("old", READY, STARTED), FakeChild("new", READY, STARTED)
    async with staged(plan, monkeypatch, old, new) as (stage, change):
        await settled()
        assert (old.log, ready) == (["serve"], [READY["ready"]])
        change("app.py")
        await settled()
        assert (old.log, new.log) == (["serve", "stop"], ["serve"])
        await stage.supervisor.close()
        assert new.log == ["serve", "stop"]
    assert len(ready) == 2
    assert capsys.readouterr() == ("changed: app.py\n", "")


async def test_a_file_that_each_start_writes_restarts_it_three_times_and_is_named(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    children = [FakeChild(str(n), READY, STARTED) for n in range(5)]
    async with staged(plan, monkeypatch, *children) as (_, change):
        for _ in children:  # two of them stay without an effect
            await settled()
            change("state.json")
        await settled()
        assert [len(child.log) for child in children] == [2, 2, 1, 0, 0]
        change("app.py")  # another file counts
        await settled()
        assert [len(child.log) for child in children] == [2, 2, 2, 1, 0]
    printed = capsys.readouterr()
    assert printed.out == "changed: state.json\n" * 2 + "changed: app.py\n"
    assert printed.err.count("state.json changes whenever the application starts") == 1


async def test_code_that_cannot_be_imported_leaves_the_old_child_serving(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = FakeChild("old", READY, STARTED), FakeChild("new", {"error": "app.py:1: bad"})
    async with staged(plan, monkeypatch, old, new) as (_, change):
        await settled()
        change("app.py")
        await settled()
        assert (old.log, new.log) == (["serve"], ["stop"])
    assert capsys.readouterr().err == (
        "error: app.py:1: bad\nthe code before is still serving: waiting for a change\n"
    )


async def test_a_child_that_ends_while_it_imports_is_reported(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = FakeChild("old", READY, STARTED), FakeChild("new", code=7)
    async with staged(plan, monkeypatch, old, new) as (_, change):
        await settled()
        change("app.py")
        await settled()
    assert "ended its process while imported (7)" in capsys.readouterr().err


async def test_code_that_cannot_start_leaves_nothing_serving_until_it_is_mended(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = FakeChild("old", READY, STARTED)
    broken = FakeChild("broken", READY, {"failed": "no database"})
    broken.ended.set()
    worse = FakeChild("worse", {"error": "app.py:1: bad"})
    mended = FakeChild("mended", READY, STARTED)
    async with staged(plan, monkeypatch, old, broken, worse, mended) as (_, change):
        for name in ("one.py", "two.py", "three.py"):
            await settled()
            change(name)
        await settled()
        assert (old.log, broken.log) == (["serve", "stop"], ["serve", "stop"])
        assert mended.log == ["serve"]
    assert capsys.readouterr().err == (
        "error: no database\nnothing is serving: waiting for a change\n"
        "error: app.py:1: bad\nnothing is serving: waiting for a change\n"
    )


async def test_an_import_that_hangs_is_overtaken_by_the_next_change(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, hung = FakeChild("old", READY, STARTED), FakeChild("hung", hangs=True)
    new = FakeChild("new", READY, STARTED)
    async with staged(plan, monkeypatch, old, hung, new) as (_, change):
        await settled()
        change("app.py")
        await settled()
        assert old.log == ["serve"]
        change("app.py")
        await settled()
        assert (old.log, hung.log, new.log) == (["serve", "stop"], ["stop"], ["serve"])
    assert capsys.readouterr().err == ""


async def test_a_first_import_that_hangs_is_overtaken_too(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, new = FakeChild("hung", hangs=True), FakeChild("new", READY, STARTED)
    async with staged(plan, monkeypatch, hung, new) as (_, change):
        await settled()
        change("app.py")
        await settled()
        assert (hung.log, new.log) == (["stop"], ["serve"])


async def test_a_first_attempt_that_fails_is_the_end(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(plan, monkeypatch, FakeChild("x", {"error": "app.py:1: bad"})) as (stage, _):
        await stage.over.wait()
        assert stage.result == "app.py:1: bad"
        assert stage.stopped.is_set()


async def test_a_first_start_that_fails_is_the_end(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = FakeChild("x", READY, code=1)
    child.ended.set()
    async with staged(plan, monkeypatch, child) as (stage, _):
        await stage.over.wait()
        assert stage.result == "the server ended at its start (exit code 1)"


async def test_a_child_that_dies_is_replaced_after_the_next_change(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = FakeChild("old", READY, STARTED), FakeChild("new", READY, STARTED)
    async with staged(plan, monkeypatch, old, new) as (_, change):
        await settled()
        old.die(9)
        await settled()
        assert "error: the server ended by itself (exit code 9)" in capsys.readouterr().err
        change("app.py")
        await settled()
        assert (old.log, new.log) == (["serve", "dead"], ["serve"])


async def test_without_reload_a_child_that_dies_is_the_end(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = FakeChild("x", READY, STARTED)
    still = ReloadPlan(
        target=plan.target, listener=plan.listener, reload=False, ignored=(), ready=plan.ready
    )
    async with staged(still, monkeypatch, child) as (stage, _):
        await settled()
        child.die(9)
        await stage.over.wait()
        assert stage.result == "the server ended by itself (exit code 9)"


def only(monkeypatch: pytest.MonkeyPatch, child: FakeChild) -> None:
    """Let there be one child and no change."""

    async def start(_target: Target, _listener: object) -> FakeChild:
        return child

    async def watch(*_: object) -> AsyncIterator[frozenset[Path]]:
        await anyio.sleep_forever()
        yield frozenset()

    monkeypatch.setattr(Child, "start", start)
    monkeypatch.setattr(reload, "changes", watch)


async def test_a_failure_is_raised_when_every_child_is_stopped(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = FakeChild("x", {"error": "app.py:1: bad"})
    only(monkeypatch, child)
    with pytest.raises(CliError, match=r"app\.py:1: bad"), anyio.fail_after(DEADLINE):
        await supervise(plan)
    assert child.log == ["stop"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_children_and_a_second_one_kills_them(
    plan: ReloadPlan, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    child = FakeChild("x", READY, STARTED)

    async def slow_stop() -> None:
        child.is_wanted = False
        child.log.append("stop")
        await child.ended.wait()

    async def logged(*expected: str) -> None:
        # The child is told and tells nobody, so it has to be looked at.
        while child.log != list(expected):  # noqa: ASYNC110
            await anyio.sleep(0.01)

    monkeypatch.setattr(child, "stop", slow_stop)
    only(monkeypatch, child)
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervise, plan)
            await logged("serve")
            os.kill(os.getpid(), number)
            await logged("serve", "stop")
            os.kill(os.getpid(), number)
    assert child.log == ["serve", "stop", "kill"]


async def test_a_package_outside_its_project_is_watched_too(
    plan: ReloadPlan, tmp_path: Path
) -> None:
    assert plan.target.watched == (tmp_path,)
    (tmp_path / "pack/deep").mkdir(parents=True)
    inner = tmp_path / "pack/deep"
    for folder in (tmp_path / "pack", inner):
        (folder / "__init__.py").touch()
    (inner / "app.py").touch()
    (inner / "pyproject.toml").write_text("[tool.bytesocket]\n")
    outside = ReloadPlan(
        target=resolve("pack/deep/app.py", tmp_path),
        listener=plan.listener,
        reload=True,
        ignored=(),
        ready=cast("Any", None),
    )
    assert outside.target.watched == (inner, tmp_path / "pack")
