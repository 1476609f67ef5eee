"""Clean-up after a `yield`: always, in the reverse order, and never for ever."""

from collections.abc import AsyncGenerator, Callable, Generator
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from anyio import (
    CancelScope,
    Event,
    create_task_group,
    fail_after,
    move_on_after,
    sleep_forever,
)
from anyio.lowlevel import checkpoint

from bytesocket_app import Depends, Refusal, Settings, Timeouts
from bytesocket_app.dependencies import bind
from bytesocket_app.signature import Offer, by_type

pytestmark = pytest.mark.anyio

LOG: list[str] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()


def fake_app(close: float = 1.0) -> Any:
    """An application, as far as a call looks at it."""
    timeouts = Timeouts(close=close)
    return SimpleNamespace(dependency_overrides={}, settings=Settings(timeouts=timeouts))


async def call(function: Callable[..., Any], app: Any = None) -> Any:
    """Bind a function and call it once."""
    offers = (Offer("the application", by_type(object, "app")),)
    return await bind(function, offers, role="a handler").invoke(app or fake_app())


def resource(name: str) -> Callable[[], AsyncGenerator[str]]:
    """A dependency that logs what becomes of it."""

    async def opens() -> AsyncGenerator[str]:
        LOG.append(f"open {name}")
        try:
            yield name
        except BaseException as exc:
            LOG.append(f"{name} sees {type(exc).__name__}")
            raise
        finally:
            await checkpoint()
            LOG.append(f"close {name}")

    return opens


def thread_resource() -> Generator[str]:
    """The same in a worker thread."""
    try:
        yield "thread"
    except BaseException as exc:
        LOG.append(f"thread sees {type(exc).__name__}")
        raise
    finally:
        LOG.append("close thread")


class TestCleaningUp:
    async def test_the_last_made_is_the_first_to_go(self) -> None:
        first, second = resource("a"), resource("b")

        async def handler(
            a: Annotated[str, Depends(first)],
            b: Annotated[str, Depends(second)],
            c: Annotated[str, Depends(thread_resource)],
        ) -> None:
            LOG.append("handler")

        await call(handler)
        assert LOG == ["open a", "open b", "handler", "close thread", "close b", "close a"]

    async def test_the_handlers_exception_is_thrown_in_at_the_yield(self) -> None:
        async def handler(
            a: Annotated[str, Depends(resource("a"))], b: Annotated[str, Depends(thread_resource)]
        ) -> None:
            raise Refusal("no", code="no")

        with pytest.raises(Refusal, match="no"):
            await call(handler)
        assert LOG == [
            "open a",
            "thread sees Refusal",
            "close thread",
            "a sees Refusal",
            "close a",
        ]

    async def test_a_dependency_that_fails_closes_those_before_it(self) -> None:
        async def fails(a: Annotated[str, Depends(resource("a"))]) -> None:
            raise Refusal("not yours", code="unauthorized")

        async def handler(x: Annotated[None, Depends(fails)]) -> None:
            LOG.append("handler")  # pragma: no cover - never called

        with pytest.raises(Refusal, match="not yours"):
            await call(handler)
        assert LOG == ["open a", "a sees Refusal", "close a"]

    async def test_swallowing_the_exception_does_not_make_a_success(self) -> None:
        async def swallows(a: Annotated[str, Depends(resource("a"))]) -> AsyncGenerator[None]:
            try:
                yield
            except ValueError:
                LOG.append("swallowed")

        async def handler(x: Annotated[None, Depends(swallows)]) -> None:
            raise ValueError("wrong")

        with pytest.raises(ValueError, match="wrong"):
            await call(handler)
        assert LOG == ["open a", "swallowed", "a sees ValueError", "close a"]

    async def test_clean_up_may_translate_the_exception(self) -> None:
        async def translates(a: Annotated[str, Depends(resource("a"))]) -> AsyncGenerator[None]:
            try:
                yield
            except KeyError as exc:
                raise Refusal("taken", code="taken") from exc

        async def handler(x: Annotated[None, Depends(translates)]) -> None:
            raise KeyError("unique")

        with pytest.raises(Refusal, match="taken"):
            await call(handler)
        assert LOG == ["open a", "a sees Refusal", "close a"]

    async def test_clean_up_that_fails_is_the_calls_outcome(self) -> None:
        async def fails(a: Annotated[str, Depends(resource("a"))]) -> AsyncGenerator[None]:
            yield
            raise OSError("disk")

        async def handler(x: Annotated[None, Depends(fails)]) -> None: ...

        with pytest.raises(OSError, match="disk"):
            await call(handler)
        assert LOG == ["open a", "a sees OSError", "close a"]

    @pytest.mark.parametrize("late", [False, True])
    async def test_cancellation_is_thrown_in_and_clean_up_is_sheltered(
        self, late: bool, anyio_backend_name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fails() -> AsyncGenerator[None]:
            try:
                yield
            finally:
                await checkpoint()
                LOG.append("fails")
                if late:
                    raise OSError("disk")

        async def handler(
            a: Annotated[str, Depends(resource("a"))],
            b: Annotated[None, Depends(fails)],
            c: Annotated[str, Depends(thread_resource)],
        ) -> None:
            started.set()
            await sleep_forever()

        started = Event()
        done: list[bool] = []

        async def run() -> None:
            with scope:
                await call(handler)
            done.append(scope.cancelled_caught)

        scope = CancelScope()
        with fail_after(30):
            async with create_task_group() as tasks:
                tasks.start_soon(run)
                await started.wait()
                scope.cancel()
        name = "CancelledError" if anyio_backend_name == "asyncio" else "Cancelled"
        assert done == [True]
        assert [
            "open a",
            f"thread sees {name}",
            "close thread",
            "fails",
            f"a sees {name}",
            "close a",
        ] == LOG
        assert ("clean-up of dependency" in caplog.text) is late

    async def test_clean_up_that_hangs_is_given_up(self, caplog: pytest.LogCaptureFixture) -> None:
        async def hangs() -> AsyncGenerator[None]:
            yield
            await sleep_forever()

        async def handler(
            a: Annotated[str, Depends(resource("a"))], x: Annotated[None, Depends(hangs)]
        ) -> str:
            return "done"

        with fail_after(30):
            assert await call(handler, app=fake_app(close=0.01)) == "done"
            await checkpoint()  # what was given up cancels nothing that follows
        assert "took too long" in caplog.text
        assert LOG[0] == "open a"

    async def test_clean_up_that_hangs_does_not_hide_the_deadline(self) -> None:
        async def hangs() -> AsyncGenerator[None]:
            try:
                yield
            finally:
                await sleep_forever()

        async def handler(x: Annotated[None, Depends(hangs)]) -> None:
            await sleep_forever()

        with fail_after(30):
            with move_on_after(0.01) as scope:
                await call(handler, app=fake_app(close=0.01))
            await checkpoint()
        assert scope.cancelled_caught

    async def test_clean_up_without_a_bound_takes_its_time(self) -> None:
        async def slow() -> AsyncGenerator[None]:
            yield
            await checkpoint()
            LOG.append("slow")

        async def handler(x: Annotated[None, Depends(slow)]) -> None: ...

        await call(handler, app=fake_app(close=0))
        assert LOG == ["slow"]

    async def test_a_task_group_may_span_the_yield(self) -> None:
        async def tasks() -> AsyncGenerator[Any]:
            async with create_task_group() as group:
                yield group
                LOG.append("leaving")

        async def handler(group: Annotated[Any, Depends(tasks)]) -> None:
            async def child() -> None:
                LOG.append("child")

            group.start_soon(child)

        await call(handler)
        assert LOG == ["leaving", "child"]

    async def test_a_task_group_over_the_yield_does_not_hide_a_refusal(self) -> None:
        async def tasks() -> AsyncGenerator[Any]:
            async with create_task_group() as group:
                group.start_soon(sleep_forever)
                yield group

        async def handler(group: Annotated[Any, Depends(tasks)]) -> None:
            raise Refusal("No.", code="no")

        with pytest.raises(Refusal, match="No"):
            await call(handler)

    async def test_what_fails_beside_a_refusal_is_told(self) -> None:
        started = Event()

        async def fails() -> None:
            started.set()
            try:
                await sleep_forever()
            finally:
                raise LookupError("beside")

        async def tasks() -> AsyncGenerator[Any]:
            async with create_task_group() as group:
                yield group

        async def handler(group: Annotated[Any, Depends(tasks)]) -> None:
            group.start_soon(fails)
            await started.wait()
            raise Refusal("No.", code="no")

        with pytest.raises(ExceptionGroup) as caught:
            await call(handler)
        assert caught.group_contains(Refusal)
        assert caught.group_contains(LookupError)
