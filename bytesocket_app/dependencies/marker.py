"""The marker of a dependency: ours, or any of the same shape (FastAPI's is)."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from bytesocket_app.dependencies.http_values import value_reader
from bytesocket_app.signature import EMPTY


@dataclass(frozen=True, slots=True)
class Depends:
    """Ask for what a function makes: `session: Annotated[Session, Depends(get_session)]`.

    The function may be `async def` or `def`, which runs in a worker thread. If it yields, what
    follows the `yield` is the clean-up: it runs after the call, whatever became of it.

    Args:
        dependency: The function, a class or any other callable.
        use_cache: Whether all who ask for it in one call share one value.
    """

    dependency: Callable[..., Any]
    use_cache: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dependency that a parameter asks for.

    Attributes:
        function: What makes it.
        use_cache: Whether all who ask for it in one call share one value.
        scopes: What FastAPI's `Security(fn, scopes=[...])` demands of those it asks.
    """

    function: Callable[..., Any]
    use_cache: bool
    scopes: tuple[str, ...] = ()


def wanted(parameter: inspect.Parameter, annotation: Any) -> Wanted | None:
    """Read the marker of a parameter: in its annotation, or as its default.

    A marker that names no function stands for the annotated class itself. One that names a place
    in the handshake, FastAPI's `Cookie()` for one, asks for what is read there.
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
