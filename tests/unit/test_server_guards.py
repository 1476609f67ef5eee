"""What a server's library raises for one connection is told in one line, and ends nothing else."""

import asyncio  # noqa: TID251 - its cancellation is under test
import inspect
import logging
from importlib import import_module

import anyio
import pytest

from bytesocket_app.serving.runners import failures
from bytesocket_app.serving.runners.failures import tell
from bytesocket_app.serving.runners.hypercorn import replacements
from bytesocket_app.serving.runners.hypercorn.guard import guarded

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """The kinds that were told of, none yet."""
    kinds: set[tuple[str, str]] = set()
    monkeypatch.setattr(failures, "_seen", kinds)
    return kinds


async def broken(error: BaseException) -> None:
    await anyio.lowlevel.checkpoint()
    raise error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the peer's secret"),
        ExceptionGroup("", [OSError("secret"), ExceptionGroup("", [KeyError("secret")])]),
        SystemExit(3),
        GeneratorExit(),
        AssertionError("secret"),
    ],
)
async def test_any_exception_of_one_connection_ends_it_alone(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    aborted: list[int] = []
    await guarded(broken(error), lambda: aborted.append(1))
    assert aborted == [1]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "secret" not in caplog.text
    assert "test_server_guards.py" in caplog.text


@pytest.mark.parametrize("wrapped", [False, True])
async def test_an_interrupt_passes(wrapped: bool) -> None:
    interrupt = KeyboardInterrupt()
    error = BaseExceptionGroup("", [ValueError(), interrupt]) if wrapped else interrupt
    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as raised:
        await guarded(broken(error), list)
    passed = raised.value
    inner = passed.exceptions if isinstance(passed, BaseExceptionGroup) else (passed,)
    assert inner == (interrupt,)


async def test_a_cancellation_from_outside_passes() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await guarded(anyio.sleep_forever(), list)
        raise AssertionError("the cancellation was swallowed")
    assert scope.cancelled_caught


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stray_cancellation_ends_one_connection() -> None:
    await guarded(broken(asyncio.CancelledError()), list)


def test_only_the_first_of_a_kind_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            tell(ValueError("x"))
        tell(KeyError("x"))
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "DEBUG", "DEBUG", "WARNING"]


def test_peers_cannot_make_the_list_of_kinds_grow(seen: set[tuple[str, str]]) -> None:
    for number in range(1000):
        tell(type(f"Error{number}", (Exception,), {})())
    assert len(seen) == 100


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_hypercorn_looks_for_what_is_replaced_under_the_names_that_we_replace(
    backend: str,
) -> None:
    for module, name, ours in replacements(backend):
        found = import_module(module)
        assert f"{name}(" in inspect.getsource(found) or f"{name},\n" in inspect.getsource(found)
        replaced = getattr(found, name)
        assert replaced is ours or replaced.__name__ == name
