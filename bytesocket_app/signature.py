"""From a function's signature to a call: parameters are resolved once, at registration.

What can be asked for is a list of `Offer`s; each parameter is matched by its annotation, or by
its name where the value is a plain scalar. A call then passes one positional tuple of values, in
the order of the offers, and the bound function picks its own from it.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Generic, Union, get_args, get_origin, get_type_hints

from bytesocket_app.arguments import arranged, is_async, underlying
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
        nested: What its dependencies ask for: an offer's index and the annotation.
        asks_first_two: Whether `function`, called with the first two values, is the same.
    """

    function: Callable[..., Any]
    invoke: Callable[..., Awaitable[Any]]
    annotations: Mapping[int, Any]
    returns: Any
    source: str = field(compare=False)
    nested: tuple[tuple[int, Any], ...] = ()
    asks_first_two: bool = False


def by_type(kind: type, bare: str = "") -> Callable[[str, Any], bool]:
    """Match a parameter annotated with a class, `kind[...]` or `kind | None`.

    A class that `kind` is derived from asks for it too. Without an annotation the parameter
    matches by the name `bare`, if one is given.
    """
    kinds = [k for k in kind.__mro__ if k not in (object, Generic)]

    def matches(name: str, annotation: Any) -> bool:
        if annotation is EMPTY:
            return bool(bare) and name == bare
        return any(a in kinds or get_origin(a) in kinds for a in alternatives(annotation))

    return matches


def alternatives(annotation: Any) -> tuple[Any, ...]:
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
    skipped = False
    for parameter in parameters:
        annotation = hints.get(parameter.name, EMPTY)
        index = _pick(parameter, annotation, offers)
        if index is None or index in annotations:
            if parameter.default is not EMPTY:
                skipped = True
                continue
            taken = None if index is None else offers[index]
            raise _unserved(function, parameter, annotation, offers, role, taken)
        named = skipped or parameter.kind is parameter.KEYWORD_ONLY
        picks.append((parameter.name if named else None, index))
        annotations[index] = annotation
    call = arranged(function, picks, len(offers))
    returns = hints.get("return", EMPTY)
    usual = picks == [(None, 0), (None, 1)] and is_async(function)
    return Bound(function, call, annotations, returns, where(function), asks_first_two=usual)


def read_signature(
    function: Callable[..., Any], role: str
) -> tuple[list[inspect.Parameter], dict[str, Any]]:
    """Read a function's parameters and its resolved annotations (`return` among them).

    Raises:
        ConfigurationError: It is not callable, or an annotation names what is not there.
    """
    if not callable(function) or isinstance(function, type):
        raise ConfigurationError(f"{function!r} cannot be {role}: it is not a function.")
    target = underlying(function)
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise ConfigurationError(
            f"{title(function)} cannot be {role}: it is a generator. Use `return`, not `yield`."
        )
    return read_parameters(function, role)


def read_parameters(
    function: Callable[..., Any], role: str
) -> tuple[list[inspect.Parameter], dict[str, Any]]:
    """Read the same of anything that can be called: a class, a generator too."""
    try:
        hints = get_type_hints(underlying(function), include_extras=True)
        signature = inspect.signature(function)
    except (AttributeError, NameError, SyntaxError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"{title(function)} cannot be {role}: its annotations cannot be read ({exc}). "
            "Import the name at run time: not inside `if TYPE_CHECKING:`, and not inside a "
            "function when the module says `from __future__ import annotations`."
        ) from exc
    parameters = list(signature.parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigurationError(
                f"{title(function)} cannot be {role}: nothing says what `{parameter}` asks for. "
                "Name the parameters; a decorator between needs `functools.wraps`."
            )
    return parameters, hints


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


def anything(_name: str, _annotation: Any) -> bool:
    """Match every parameter."""
    return True


def nothing(_name: str, _annotation: Any) -> bool:
    """Match no parameter."""
    return False


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
    return ConfigurationError(f"{title(function)} cannot be {role}: {problem}")


def title(function: Callable[..., Any]) -> str:
    """Name a function for a message, with its `file:line`."""
    named = function if isinstance(function, type) else underlying(function)
    name = getattr(named, "__qualname__", repr(function))
    return f"{name} ({where(function)})"
