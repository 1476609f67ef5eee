"""From a function's signature to a call: parameters are resolved once, at registration.

What can be asked for is a list of `Offer`s; each parameter is matched by its annotation, or by
its name where the value is a plain scalar. A call then passes one positional tuple of values, in
the order of the offers, and the bound function picks its own from it.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import UnionType
from typing import Annotated, Any, Generic, Union, get_args, get_origin, get_type_hints

from anyio import to_thread
from typing_extensions import TypeIs

from bytesocket_app.errors import ConfigurationError, where

EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a function may ask for.

    Attributes:
        label: How an error message calls it: "the socket (Socket)"; "" leaves it out.
        matches: Says whether a parameter, by name and annotation, asks for this.
        last: Tried only when no other offer fits, so that it may match nearly anything.
    """

    label: str
    matches: Callable[[str, Any], bool]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A function whose parameters are resolved.

    Attributes:
        function: The user's function as it was given.
        invoke: Called with the values of all offers in order; returns an awaitable.
        annotations: What each asked-for offer was annotated with, by the offer's index.
        returns: The return annotation, `inspect.Parameter.empty` without one.
        source: `file:line`, for messages and tables.
    """

    function: Callable[..., Any]
    invoke: Callable[..., Awaitable[Any]]
    annotations: Mapping[int, Any]
    returns: Any
    source: str = field(compare=False)


def by_type(kind: type, bare: str = "") -> Callable[[str, Any], bool]:
    """Match a parameter annotated with a class, `kind[...]` or `kind | None`.

    A class that `kind` is derived from asks for it too. Without an annotation the parameter
    matches by the name `bare`, if one is given.
    """
    kinds = [k for k in kind.__mro__ if k not in (object, Generic)]

    def matches(name: str, annotation: Any) -> bool:
        if annotation is EMPTY:
            return bool(bare) and name == bare
        return any(a in kinds or get_origin(a) in kinds for a in _alternatives(annotation))

    return matches


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """What an annotation allows: the members of a union, the type under Annotated or an alias."""
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)


def by_name(wanted: str, *annotations: Any) -> Callable[[str, Any], bool]:
    """Match a parameter by name, with one of the annotations or none."""
    return lambda name, annotation: (
        name == wanted and (annotation is EMPTY or not annotations or annotation in annotations)
    )


def bind(function: Callable[..., Any], offers: Sequence[Offer], *, role: str) -> Bound:
    """Resolve a function's parameters against what is on offer.

    Args:
        function: `async def`, or `def`, which will run in a worker thread.
        offers: What can be asked for; the values of a call come in the same order.
        role: What the function is to be, for messages: "a handler of chat:post".

    Raises:
        ConfigurationError: A parameter asks for what is not on offer, or an annotation cannot
            be resolved.
    """
    parameters, hints = read_signature(function, role)
    picks: list[tuple[str | None, int]] = []
    annotations: dict[int, Any] = {}
    for parameter in parameters:
        annotation = hints.get(parameter.name, EMPTY)
        index = _pick(parameter, annotation, offers)
        if index is None or index in annotations:
            if parameter.default is not EMPTY:
                continue
            taken = None if index is None else offers[index]
            raise _unserved(function, parameter, annotation, offers, role, taken)
        keyword = parameter.name if parameter.kind is parameter.KEYWORD_ONLY else None
        picks.append((keyword, index))
        annotations[index] = annotation
    call = _caller(function, picks, len(offers))
    if not is_async(function):
        call = _threaded(call)
    return Bound(function, call, annotations, hints.get("return", EMPTY), where(function))


def read_signature(
    function: Callable[..., Any], role: str
) -> tuple[list[inspect.Parameter], dict[str, Any]]:
    """Read a function's parameters and its resolved annotations (`return` among them).

    Raises:
        ConfigurationError: It is not callable, or an annotation names what is not there.
    """
    if not callable(function) or isinstance(function, type):
        raise ConfigurationError(f"{function!r} cannot be {role}: it is not a function.")
    target = _underlying(function)
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise ConfigurationError(
            f"{_title(function)} cannot be {role}: it is a generator. Use `return`, not `yield`."
        )
    try:
        hints = get_type_hints(target, include_extras=True)
        signature = inspect.signature(function)
    except (AttributeError, NameError, SyntaxError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"{_title(function)} cannot be {role}: its annotations cannot be read ({exc}). "
            "Import the name at run time: not inside `if TYPE_CHECKING:`, and not inside a "
            "function when the module says `from __future__ import annotations`."
        ) from exc
    parameters = list(signature.parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigurationError(
                f"{_title(function)} cannot be {role}: nothing says what `{parameter}` asks for. "
                "Name the parameters; a decorator between needs `functools.wraps`."
            )
    return parameters, hints


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling this gives a coroutine: `async def`, partials and callable objects too."""
    return inspect.iscoroutinefunction(_underlying(function))


def type_text(annotation: Any) -> str:
    """Write an annotation as a person would: `Socket[User]`, `list[int]`."""
    if annotation is EMPTY:
        return ""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _pick(parameter: inspect.Parameter, annotation: Any, offers: Sequence[Offer]) -> int | None:
    order = sorted(range(len(offers)), key=lambda index: offers[index].last)
    return next((i for i in order if offers[i].matches(parameter.name, annotation)), None)


def _caller(
    function: Callable[..., Any], picks: list[tuple[str | None, int]], width: int
) -> Callable[..., Any]:
    indexes = [index for _, index in picks]
    if all(keyword is None for keyword, _ in picks):
        if indexes == list(range(width)):
            return function
        if indexes == [0, 1]:
            return _first_two(function)
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


def _first_two(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(first: Any, second: Any, *_: Any) -> Any:
        return function(first, second)

    return call


def _second(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(_first: Any, second: Any, *_: Any) -> Any:
        return function(second)

    return call


def _nothing(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        return function()

    return call


def anything(_name: str, _annotation: Any) -> bool:
    """Match every parameter."""
    return True


def nothing(_name: str, _annotation: Any) -> bool:
    """Match no parameter."""
    return False


def _threaded(call: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def invoke(*values: Any) -> Any:
        # A plain function around an async one, a lambda for one, gives what is to be awaited; in
        # a tuple, because trio wants no coroutine from a thread.
        (result,) = await to_thread.run_sync(lambda: (call(*values),))
        return await result if inspect.isawaitable(result) else result

    return invoke


def _is_partial(value: object) -> TypeIs["partial[Any]"]:
    return isinstance(value, partial)


def _underlying(function: Any) -> Callable[..., Any]:
    """What holds the annotations: a partial's function, a callable object's method."""
    while _is_partial(function):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _unserved(
    function: Callable[..., Any],
    parameter: inspect.Parameter,
    annotation: Any,
    offers: Sequence[Offer],
    role: str,
    taken: Offer | None,
) -> ConfigurationError:
    text = type_text(annotation)
    asked = f"{parameter.name}: {text}" if text else f"{parameter.name} (no annotation)"
    if taken is not None:
        problem = f"`{asked}` is a second parameter for {taken.label}. Ask for each once."
    else:
        known = ", ".join(offer.label for offer in offers if offer.label)
        problem = f"nothing serves the parameter `{asked}`. It may ask for {known}."
    return ConfigurationError(f"{_title(function)} cannot be {role}: {problem}")


def _title(function: Callable[..., Any]) -> str:
    name = getattr(_underlying(function), "__qualname__", repr(function))
    return f"{name} ({where(function)})"
