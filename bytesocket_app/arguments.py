"""Selection of a function's arguments from all values of a call, and threads for plain `def`s."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from typing_extensions import TypeIs

from bytesocket_app.threads import in_thread


def arranged(
    function: Callable[..., Any], picks: list[tuple[str | None, int]], width: int
) -> Callable[..., Awaitable[Any]]:
    """Return a function of all values that calls `function` with those that it requests.

    A plain `def` runs in a worker thread (`threads`); an awaitable that it returns is then awaited.

    Args:
        function: The function to call.
        picks: For each parameter its keyword, None for a positional one, and its value's index.
        width: Number of values that a call passes.
    """
    call = picking(function, picks, width)
    return call if is_async(function) else _threaded(call)


def picking(
    function: Callable[..., Any], picks: list[tuple[str | None, int]], width: int
) -> Callable[..., Any]:
    """Return a function of all values that calls `function` with those that it requests.

    See `arranged` for the arguments. Plain functions are called without a thread.
    """
    indexes = [index for _, index in picks]
    if all(keyword is None for keyword, _ in picks):
        if indexes == list(range(width)):
            return function
        if indexes == [1]:
            return _second(function)
        if not indexes:
            return _nothing(function)
    positional = [index for keyword, index in picks if keyword is None]
    named = [(keyword, index) for keyword, index in picks if keyword is not None]
    return lambda *values: function(
        *[values[index] for index in positional],
        **{keyword: values[index] for keyword, index in named},
    )


def _second(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(_first: Any, second: Any, *_: Any) -> Any:
        return function(second)

    return call


def _nothing(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        return function()

    return call


def is_async(function: Callable[..., Any]) -> bool:
    """Return True for an `async def`, also in a partial or as a callable object's method."""
    return inspect.iscoroutinefunction(underlying(function))


def _threaded(call: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def invoke(*values: Any) -> Any:
        def attempt() -> tuple[Any, BaseException | None]:
            try:
                return call(*values), None
            except BaseException as error:  # noqa: BLE001 - raised again in the task
                return None, error

        # A plain function around an async one, such as a lambda, returns an awaitable. The tuple
        # is needed because trio refuses a coroutine as a thread's result; and what a future raises
        # is thrown into the task, where a GeneratorExit would close its coroutine.
        result, error = await in_thread(attempt)
        if error is not None:
            raise error
        return await result if inspect.isawaitable(result) else result

    return invoke


def _is_partial(value: object) -> TypeIs["partial[Any]"]:
    return isinstance(value, partial)


def underlying(function: Any) -> Callable[..., Any]:
    """Return the function that has the annotations of a partial, a class or a callable object."""
    while _is_partial(function):
        function = function.func
    if isinstance(function, type):
        # By name: to the type checkers, an instance's `__init__` is not to be touched.
        init: Callable[..., Any] = getattr(function, "__init__")  # noqa: B009
        return init
    return function if inspect.isroutine(function) else type(function).__call__
