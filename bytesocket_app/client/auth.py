"""A client's credentials: a value, or a function that is called at every connect."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

ValueOrFactory: TypeAlias = T | Callable[[], T | Awaitable[T]]
"""A value, or a function, `async` or not, that makes a fresh one for each connection."""

Fresh: TypeAlias = ValueOrFactory[T]
"""The name of `ValueOrFactory` in generated files."""

Headers: TypeAlias = ValueOrFactory[Mapping[str, str]]


async def fresh(source: Any) -> Any:
    """Return the value, or what the function makes of it now; its exceptions pass through."""
    value = source() if callable(source) else source
    return await value if inspect.isawaitable(value) else value
