"""Marker of a dependency: `Depends`, or any with the same attributes, such as FastAPI's."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from bytesocket_app.dependencies.http_values import value_reader
from bytesocket_app.signature import EMPTY


@dataclass(frozen=True, slots=True)
class Depends:
    """Request the result of a function: `session: Annotated[Session, Depends(get_session)]`.

    The function may be `async def` or `def`, which runs in a worker thread. If it yields, the code
    after the `yield` is the clean-up, which runs after the call, even if that failed.

    What an `async def` sets in a ContextVar is seen by what is called after it, and by the socket's
    later messages, unless its clean-up resets it. What a `def` sets stays in a context of its own,
    as with FastAPI: its clean-up sees it and may reset it by its token, the handler does not.

    Args:
        dependency: The function, a class or any other callable.
        use_cache: True if all requests for it in one call share one value.
    """

    dependency: Callable[..., Any]
    use_cache: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dependency that a parameter asks for.

    Attributes:
        function: The function that makes the value.
        use_cache: True if all requests for it in one call share one value.
        scopes: The scopes of FastAPI's `Security(fn, scopes=[...])`.
    """

    function: Callable[..., Any]
    use_cache: bool
    scopes: tuple[str, ...] = ()


def wanted(parameter: inspect.Parameter, annotation: Any) -> Wanted | None:
    """Return the dependency that a parameter's annotation or default requests; None without one.

    A marker without a function stands for the annotated class itself. A marker for a place in the
    handshake, such as FastAPI's `Cookie()`, requests the value there.
    """
    annotation = getattr(annotation, "__value__", annotation)
    marks = [parameter.default]
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        marks += extras
    for mark in reversed(marks):
        if mark is EMPTY or isinstance(mark, type):
            continue
        if _is_marker(mark):
            function = annotation if mark.dependency is None else mark.dependency
            scopes = getattr(mark, "scopes", None) or ()
            return Wanted(function, bool(mark.use_cache), tuple(scopes))
        reader = value_reader(mark, parameter, annotation)
        if reader is not None:
            return Wanted(reader, use_cache=False)
    return None


def _is_marker(value: Any) -> bool:
    return hasattr(value, "dependency") and hasattr(value, "use_cache")
