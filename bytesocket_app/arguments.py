"""From all values of a call to one function's arguments: picked by index, perhaps in a thread."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from anyio import to_thread
from typing_extensions import TypeIs


def arranged(
    function: Callable[..., Any], picks: list[tuple[str | None, int]], width: int
) -> Callable[..., Awaitable[Any]]:
    """Make a function callable with all values; a plain `def` then runs in a worker thread.

    Args:
        function: What to call.
        picks: For each parameter its keyword, None for a positional one, and the value's index.
        width: How many values a call passes.
    """
    call = picking(function, picks, width)
    return call if is_async(function) else _threaded(call)


def picking(
    function: Callable[..., Any], picks: list[tuple[str | None, int]], width: int
) -> Callable[..., Any]:
    """Make a function callable with all values, of which it gets those it asked for."""
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
    """Whether calling this gives a coroutine: `async def`, partials and callable objects too."""
    return inspect.iscoroutinefunction(underlying(function))


def _threaded(call: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def invoke(*values: Any) -> Any:
        # A plain function around an async one, a lambda for one, gives what is to be awaited; in
        # a tuple, because trio wants no coroutine from a thread.
        (result,) = await to_thread.run_sync(lambda: (call(*values),))
        return await result if inspect.isawaitable(result) else result

    return invoke


def _is_partial(value: object) -> TypeIs["partial[Any]"]:
    return isinstance(value, partial)


def underlying(function: Any) -> Callable[..., Any]:
    """What holds the annotations: a partial's function, a class's or a callable object's method."""
    while _is_partial(function):
        function = function.func
    if isinstance(function, type):
        # By name: to the type checkers, an instance's `__init__` is not to be touched.
        init: Callable[..., Any] = getattr(function, "__init__")  # noqa: B009
        return init
    return function if inspect.isroutine(function) else type(function).__call__
