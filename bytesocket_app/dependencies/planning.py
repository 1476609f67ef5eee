"""Plan of a function's calls, made at registration, with a step for each dependency.

The steps are in the order of execution, so that a step finds its arguments among the values before
it: those of the offers first, then one of each step.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bytesocket_app.clock import Clock
from bytesocket_app.dependencies.calling import DependencyStep, Picks, at_once, step
from bytesocket_app.dependencies.connection import connection_maker
from bytesocket_app.dependencies.marker import Wanted, wanted
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.signature import (
    EMPTY,
    Offer,
    alternatives,
    by_type,
    read_parameters,
    title,
    type_text,
)
from bytesocket_app.socket import Application, Socket
from bytesocket_app.transports import Handshake

Chain = tuple[Callable[..., Any], ...]
"""Functions that request each other, from the registered function on."""

_asks_handshake = by_type(Handshake)


class _Unheard:
    """An annotation that no offer is for: an offer that matches it matches everything."""


class Plan:
    """The steps of a function's calls.

    Args:
        offers: Values that the function and its dependencies may request.
        own: The annotations of the function's own parameters, by the offer's index.
        overrides: Functions to call in place of others.
        app: The application, if no offer leads to it.

    Attributes:
        steps: Steps that make the values after those of the offers.
        asked: Requests of the dependencies: an offer's index and the annotation.
    """

    def __init__(
        self,
        offers: Sequence[Offer],
        own: Mapping[int, Any],
        overrides: Mapping[Callable[..., Any], Callable[..., Any]],
        app: Any = None,
    ) -> None:
        self._app = app
        self.steps: list[DependencyStep] = []
        self.asked: list[tuple[int, Any]] = []
        self._offers = offers
        self._own = own
        self._overrides = overrides
        self._shared: list[tuple[Any, tuple[str, ...] | None, int]] = []
        self._scopes: tuple[str, ...] = ()
        self._scoped = 0

    def need(self, want: Wanted, chain: Chain) -> int:
        """Plan a dependency and return its value's index.

        Raises:
            ConfigurationError: The dependency is not callable, requests a value that is not
                offered, or depends on itself.
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
            # A dependency that reads its scopes is shared only where the scopes are equal.
            key = scopes if self._scoped > before else None
            self._shared.append((want.function, key, index))
        return index

    def offer(self, kind: type) -> int | None:
        """Return the index of the offer for a parameter annotated with a class, or None."""
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
        if make is not None or _asks_clock(annotation):
            return self._derived(annotation, make, self._handshake()) if make else self._clock()
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
        """Return the index of an offer for a parameter, or None.

        An offer that matches anything counts only with the annotation that the function itself has
        for it, or without one.
        """
        for index, offer in enumerate(self._offers):
            if not offer.matches(name, annotation):
                continue
            if not offer.last or not offer.matches("", _Unheard):
                return index
            if index in self._own and annotation in (self._own[index], EMPTY):
                return index
        return None

    def _clock(self) -> int | None:
        index = self.offer(Application)
        if index is not None:
            return self._derived("clock", _clock_of, index)
        if self._app is not None:
            return self._add(at_once(partial(_clock_of, self._app)))
        return self._derived("clock", _clock_of_socket, self.offer(Socket))

    def _handshake(self) -> int | None:
        index = self.offer(Handshake)
        if index is not None:
            return index
        return self._derived("handshake", _handshake_of, self.offer(Socket))

    def _derived(self, what: Any, make: Callable[[Any], Any], source: int | None) -> int | None:
        """Plan a value made from another one, once per call; returns None without that one."""
        if source is None:
            return None
        key = ("derived", what)
        index = self._made(key)
        if index is None:
            index = self._add(at_once(make, source))
            self._shared.append((key, None, index))
        return index


def wanted_connection(annotation: Any) -> Wanted | None:
    """Return a dependency for an annotation with a Starlette connection; None for others."""
    return None if connection_maker(annotation) is None else _given(annotation)


def wanted_clock(annotation: Any) -> Wanted | None:
    """Return a dependency for an annotation with the application's clock; None for others."""
    return _given(annotation) if _asks_clock(annotation) else None


def _given(annotation: Any) -> Wanted:
    async def given(value: Any) -> Any:
        return value

    given.__annotations__["value"] = annotation
    return Wanted(given, use_cache=False)


def _asks_clock(annotation: Any) -> bool:
    return Clock in alternatives(annotation)


def _is_application(annotation: Any) -> bool:
    """Return True for the application's class, by its name: this layer cannot import it."""
    return any(
        (kind.__module__, kind.__name__) == ("bytesocket_app.application", "ByteSocket")
        for kind in getattr(annotation, "__mro__", ())
    )


def _is_scopes(annotation: Any) -> bool:
    """Return True for FastAPI's `SecurityScopes`, which gets the scopes of all outer markers."""
    named = (getattr(annotation, "__module__", ""), getattr(annotation, "__name__", ""))
    return named == ("fastapi.security.oauth2", "SecurityScopes")


def _is_from_http(parameter: inspect.Parameter, annotation: Any) -> bool:
    """Return True for a FastAPI marker that sockets have no value for, such as `Body()`.

    Without a check, the parameter would get the marker itself, or always its default.
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


def _clock_of(app: Any) -> Clock:
    clock: Clock = app.clock
    return clock


def _clock_of_socket(socket: Socket[Any] | None) -> Clock:
    return _clock_of(_application_of(socket))


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
