"""Credentials and headers of a client: a value, or a function called for each connection."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

ValueOrFactory: TypeAlias = T | Callable[[], T | Awaitable[T]]
"""A value, or a function, `async` or not, that returns a new one for each connection."""

Fresh: TypeAlias = ValueOrFactory[T]
"""Another name of `ValueOrFactory`, which generated files import."""

Headers: TypeAlias = ValueOrFactory[Mapping[str, str]]


async def fresh(source: Any) -> Any:
    """Return the value, or the result of the function. The function's exceptions pass through."""
    value = source() if callable(source) else source
    return await value if inspect.isawaitable(value) else value
