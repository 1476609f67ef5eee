"""Binding of functions: parameters are resolved once, at registration.

A list of `Offer`s gives the values that can be requested. Each parameter is matched by its
annotation, or by its name if the value is a plain scalar. A call then passes the values of all
offers in order, and the bound function picks its own from them.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Generic, Union, get_args, get_origin, get_type_hints

from bytesocket_app.arguments import arranged, is_async, underlying
from bytesocket_app.errors import ConfigurationError, near, where

EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a function may request.

    Attributes:
        label: Name in error messages: "the socket (Socket)"; "" leaves the offer out.
        matches: Function that returns True if a parameter's name and annotation request this offer.
        last: True if the offer is tried only when no other matches, so that it may match anything.
        usual: How the parameter is usually written, "socket: Socket", for near misses.
    """

    label: str
    matches: Callable[[str, Any], bool]
    last: bool = False
    usual: str = ""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Bound:
    """A function whose parameters are resolved.

    Attributes:
        function: The user's function.
        invoke: Function of the values of all offers in order; returns an awaitable.
        annotations: Annotation of each requested offer, by the offer's index.
        returns: The return annotation, `inspect.Parameter.empty` without one.
        source: `file:line` of the function, for messages and tables.
        nested: Requests of the dependencies: an offer's index and the annotation.
        asks_first_two: True if `function` itself may be called with the first two values.
        is_removed: True once it was removed, for calls that were taken before.
    """

    function: Callable[..., Any]
    invoke: Callable[..., Awaitable[Any]]
    annotations: Mapping[int, Any]
    returns: Any
    source: str = field(compare=False)
    nested: tuple[tuple[int, Any], ...] = ()
    asks_first_two: bool = False
    is_removed: bool = field(default=False, init=False, compare=False)

    def withdraw(self) -> None:
        """Take note that the function was removed."""
        object.__setattr__(self, "is_removed", True)


def by_type(kind: type, bare: str = "", *, also: type | None = None) -> Callable[[str, Any], bool]:
    """Match a parameter annotated with a class, `kind[...]` or `kind | None`.

    A base class of `kind` matches too, and the protocol `also`. A parameter without an annotation
    matches by the name `bare`, if one is given.
    """
    kinds = [k for k in (*kind.__mro__, also) if k not in (object, Generic, None)]

    def matches(name: str, annotation: Any) -> bool:
        if annotation is EMPTY:
            return bool(bare) and name == bare
        return any(a in kinds or get_origin(a) in kinds for a in alternatives(annotation))

    return matches


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, else the annotation, without `Annotated` or an alias."""
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)


def by_name(wanted: str, *annotations: Any) -> Callable[[str, Any], bool]:
    """Match a parameter by name, with one of the annotations or without one.

    Without `annotations`, any annotation matches.
    """
    return lambda name, annotation: (
        name == wanted and (annotation is EMPTY or not annotations or annotation in annotations)
    )


def bind(
    function: Callable[..., Any], offers: Sequence[Offer], *, role: str, also: Sequence[str] = ()
) -> Bound:
    """Resolve a function's parameters against the offers.

    Args:
        function: An `async def`, or a `def`, which runs in a worker thread.
        offers: Values that can be requested; a call passes them in the same order.
        role: Purpose of the function, for error messages: "a handler of chat:post".
        also: What else a function may ask for, for error messages.

    Raises:
        ConfigurationError: A parameter requests a value that is not offered, or one that another
            parameter has already, or an annotation cannot be resolved.
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
            problem = _unserved(parameter, annotation, offers, also, taken)
            raise ConfigurationError(f"{title(function)} cannot be {role}: {problem}")
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
    """Return a function's parameters and its resolved annotations, including `return`.

    Raises:
        ConfigurationError: The argument is no function, or is a generator, or has `*args` or
            `**kwargs`, or an annotation cannot be resolved.
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
    """Return the parameters and annotations of any callable, such as a class or a generator.

    Raises:
        ConfigurationError: The callable has `*args` or `**kwargs`, or an annotation cannot be
            resolved.
    """
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
    """Return the short text of an annotation: `Socket[User]`, `list[int]`; "" without one."""
    if annotation is EMPTY:
        return ""
    if annotation is type(None):
        return "None"
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
    parameter: inspect.Parameter,
    annotation: Any,
    offers: Sequence[Offer],
    also: Sequence[str],
    taken: Offer | None,
) -> str:
    asked = asked_text(parameter, annotation)
    if taken is not None:
        return f"`{asked}` is a second parameter for {taken.label}. Ask for each once."
    known = ", ".join([*(offer.label for offer in offers if offer.label), *also])
    hint = _hint(parameter.name, offers, is_bare=annotation is EMPTY)
    return f"nothing serves the parameter `{asked}`. It may ask for {known}.{hint}"


def asked_text(parameter: inspect.Parameter, annotation: Any) -> str:
    """Return a parameter as an error shows it."""
    text = type_text(annotation)
    return f"{parameter.name}: {text}" if text else f"{parameter.name} (no annotation)"


def _hint(name: str, offers: Sequence[Offer], *, is_bare: bool) -> str:
    """Return a near miss of a parameter's name, and how to annotate one that has no annotation."""
    usual = [offer.usual.partition(": ") for offer in offers if offer.usual]
    hint = near(name, (known for known, _, _ in usual))
    if not is_bare:
        return hint
    kinds = [kind for known, _, kind in usual if kind and f"{known!r}?" in hint]
    return f"{hint} Annotate it{f': `{name}: {kinds[0]}`' if kinds else ''}."


def title(function: Callable[..., Any]) -> str:
    """Return a function's name with its `file:line`, for messages."""
    named = function if isinstance(function, type) else underlying(function)
    name = getattr(named, "__qualname__", repr(function))
    return f"{name} ({where(function)})"
