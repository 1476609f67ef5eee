"""What one call needs, found out when the function is registered: each dependency one step.

The steps stand in the order they are made, so that a step finds all it asks for among the values
before it: those of the offers first, then one of each step.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bytesocket_app.dependencies.calling import DependencyStep, Picks, at_once, step
from bytesocket_app.dependencies.connection import connection_maker
from bytesocket_app.dependencies.marker import Wanted, wanted
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.signature import EMPTY, Offer, by_type, read_parameters, title, type_text
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake

Chain = tuple[Callable[..., Any], ...]
"""Who asks for whom, from the registered function on."""

_asks_handshake = by_type(Handshake)


class _Unheard:
    """An annotation that no offer can mean: what matches it matches everything."""


class Plan:
    """The steps of a function's calls.

    Args:
        offers: What the function itself may ask for; its dependencies may too.
        own: What the function annotated its own parameters with, by the offer's index.
        overrides: Functions to call in the place of others.

    Attributes:
        steps: How the values after the offers' are made.
        asked: What the dependencies ask for: an offer's index and the annotation.
    """

    def __init__(
        self,
        offers: Sequence[Offer],
        own: Mapping[int, Any],
        overrides: Mapping[Callable[..., Any], Callable[..., Any]],
    ) -> None:
        self.steps: list[DependencyStep] = []
        self.asked: list[tuple[int, Any]] = []
        self._offers = offers
        self._own = own
        self._overrides = overrides
        self._shared: list[tuple[Any, tuple[str, ...] | None, int]] = []
        self._scopes: tuple[str, ...] = ()
        self._scoped = 0

    def need(self, want: Wanted, chain: Chain) -> int:
        """Plan a dependency; returns its value's index.

        Raises:
            ConfigurationError: It cannot be called or served, or it asks for itself.
        """
        scopes = (*self._scopes, *want.scopes)
        if want.use_cache:
            index = self._made(want.function, scopes)
            if index is not None:
                return index
        replaced = [new for old, new in self._overrides.items() if old == want.function]
        function = replaced[0] if replaced else want.function
        is_circle = function in chain
        chain = (*chain, function)
        if is_circle:
            raise ConfigurationError(f"Dependencies go round in a circle: {_path(chain)}.")
        if not callable(function):
            raise ConfigurationError(
                f"{function!r} cannot be a dependency of {title(chain[0])}: it is not a function."
            )
        outer, self._scopes, before = self._scopes, scopes, self._scoped
        picks = self._picks(function, chain)
        self._scopes = outer
        index = self._add(step(function, picks, self._width))
        if want.use_cache:
            # What looks at its scopes is another value for others.
            key = scopes if self._scoped > before else None
            self._shared.append((want.function, key, index))
        return index

    def offer(self, kind: type) -> int | None:
        """The index of the offer that a parameter annotated with a class asks for."""
        found = (i for i, o in enumerate(self._offers) if not o.last and o.matches("", kind))
        return next(found, None)

    @property
    def _width(self) -> int:
        return len(self._offers) + len(self.steps)

    def _add(self, each: DependencyStep) -> int:
        self.steps.append(each)
        return self._width - 1

    def _made(self, what: Any, scopes: tuple[str, ...] = ()) -> int | None:
        for other, key, index in self._shared:
            if other == what and key in (None, scopes):
                self._scoped += key is not None
                return index
        return None

    def _picks(self, function: Callable[..., Any], chain: Chain) -> Picks:
        parameters, hints = read_parameters(function, "a dependency")
        picks: Picks = []
        skipped = False
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise _unserved(parameter, EMPTY, self._offers, chain)
            annotation = hints.get(parameter.name, EMPTY)
            index = self._serve(parameter, annotation, chain)
            if index is not None:
                named = skipped or parameter.kind is parameter.KEYWORD_ONLY
                picks.append((parameter.name if named else None, index))
            elif parameter.default is EMPTY or _is_from_http(parameter, annotation):
                raise _unserved(parameter, annotation, self._offers, chain)
            else:
                skipped = True
        return picks

    def _serve(self, parameter: inspect.Parameter, annotation: Any, chain: Chain) -> int | None:
        want = wanted(parameter, annotation)
        if want is not None:
            return self.need(want, chain)
        make = connection_maker(annotation)
        if make is not None:
            return self._derived(annotation, make, self._handshake())
        if _is_scopes(annotation):
            self._scoped += 1
            return self._add(at_once(partial(annotation, list(self._scopes))))
        index = self._offered(parameter.name, annotation)
        if index is not None:
            self.asked.append((index, annotation))
            return index
        if annotation is not EMPTY and _asks_handshake("", annotation):
            return self._handshake()
        if _is_application(annotation):
            return self._derived("application", _application_of, self.offer(Socket))
        return None

    def _offered(self, name: str, annotation: Any) -> int | None:
        """Find an offer. One that matches anything means what the function itself took it for."""
        for index, offer in enumerate(self._offers):
            if not offer.matches(name, annotation):
                continue
            if not offer.last or not offer.matches("", _Unheard):
                return index
            if index in self._own and annotation in (self._own[index], EMPTY):
                return index
        return None

    def _handshake(self) -> int | None:
        index = self.offer(Handshake)
        if index is not None:
            return index
        return self._derived("handshake", _handshake_of, self.offer(Socket))

    def _derived(self, what: Any, make: Callable[[Any], Any], source: int | None) -> int | None:
        """Plan a value that is made of another one, once in a call; None without that one."""
        if source is None:
            return None
        key = ("derived", what)
        index = self._made(key)
        if index is None:
            index = self._add(at_once(make, source))
            self._shared.append((key, None, index))
        return index


def _is_application(annotation: Any) -> bool:
    """Whether this is the application's class, told by its name: it stands a few layers above."""
    return any(
        (kind.__module__, kind.__name__) == ("bytesocket_app.application", "ByteSocket")
        for kind in getattr(annotation, "__mro__", ())
    )


def _is_scopes(annotation: Any) -> bool:
    """Whether this is FastAPI's `SecurityScopes`: all scopes that are demanded on the way here."""
    named = (getattr(annotation, "__module__", ""), getattr(annotation, "__name__", ""))
    return named == ("fastapi.security.oauth2", "SecurityScopes")


def _is_from_http(parameter: inspect.Parameter, annotation: Any) -> bool:
    """Whether a parameter says that its value is where no socket has any: FastAPI's `Body()`.

    Left alone, it would get the marker itself, or silently always its default.
    """
    marks = (parameter.default, *getattr(annotation, "__metadata__", ()))
    return any(type(mark).__module__.partition(".")[0] == "fastapi" for mark in marks)


def _handshake_of(socket: Socket[Any] | None) -> Handshake:
    if socket is None:
        raise RuntimeError("There is no handshake: the error belongs to no connection.")
    return socket.handshake


def _application_of(socket: Socket[Any] | None) -> Any:
    if socket is None:
        raise RuntimeError("The error belongs to no connection, so it names no application.")
    return socket.app


def _path(chain: Chain) -> str:
    return " -> ".join(title(function) for function in chain)


def _unserved(
    parameter: inspect.Parameter, annotation: Any, offers: Sequence[Offer], chain: Chain
) -> ConfigurationError:
    text = type_text(annotation)
    asked = f"{parameter}" if not text else f"{parameter.name}: {text}"
    known = ", ".join(offer.label for offer in offers if offer.label)
    return ConfigurationError(
        f"{title(chain[-1])} cannot be a dependency here: nothing serves the parameter "
        f"`{asked}`. It may ask for {known}, the handshake (Handshake), Starlette's "
        "HTTPConnection, and what other dependencies make (Annotated[T, Depends(fn)]). "
        f"Asked for by {_path(chain)}."
    )
