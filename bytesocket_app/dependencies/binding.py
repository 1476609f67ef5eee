"""Binding of functions with dependencies. Functions without any are bound by `signature`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bytesocket_app.dependencies.calling import DependencyStep, run
from bytesocket_app.dependencies.marker import Wanted, wanted
from bytesocket_app.dependencies.planning import Plan, wanted_clock, wanted_connection
from bytesocket_app.signature import EMPTY, Bound, Offer, read_signature
from bytesocket_app.signature import bind as bind_plainly
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake

_ALSO: Final = ("the clock (Clock)", "what dependencies make (Annotated[T, Depends(fn)])")
"""What every function may ask for beside the offers."""

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]


def bind(
    function: Callable[..., Any], offers: Sequence[Offer], *, role: str, app: Any = None
) -> Bound:
    """Resolve a function's parameters, its dependencies, and their parameters.

    Args:
        function: An `async def`, or a `def`, which runs in a worker thread.
        offers: Values that can be requested; a call passes them in the same order.
        role: Purpose of the function, for error messages: "a handler of chat:post".
        app: The application, if no offer leads to it.

    Raises:
        ConfigurationError: A parameter requests a value that is not offered, an annotation cannot
            be resolved, or dependencies form a cycle.
    """
    parameters, hints = read_signature(function, role)
    wants: dict[str, Wanted] = {}
    for parameter in parameters:
        annotation = hints.get(parameter.name, EMPTY)
        want = (
            wanted(parameter, annotation)
            or wanted_connection(annotation)
            or wanted_clock(annotation)
        )
        if want is not None:
            wants[parameter.name] = want
    if not wants:
        return bind_plainly(function, offers, role=role, also=_ALSO)
    return _Dependent(function, offers, wants, role, app).bound


@dataclass(frozen=True, slots=True)
class _Recipe:
    """Plan of a call, with or without overrides.

    Attributes:
        steps: Steps that make the values after those of the offers.
        slots: Indexes of the function's own dependencies among all values, in their order.
    """

    steps: Sequence[DependencyStep]
    slots: tuple[int, ...]


class _Dependent:
    """A function with dependencies.

    Attributes:
        bound: The bound function, whose call makes the dependencies first and cleans them up.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        offers: Sequence[Offer],
        wants: Mapping[str, Wanted],
        role: str,
        app: Any,
    ) -> None:
        self._function = function
        self._offers = offers
        self._wants = tuple(wants.values())
        self._app = app
        # For the function, its dependencies are further offers, which match their own names only.
        plain = [replace(offer, matches=_except(wants, offer.matches)) for offer in offers]
        plain += [Offer("", _named(name)) for name in wants]
        inner = bind_plainly(function, plain, role=role, also=_ALSO)
        self._invoke = inner.invoke
        self._own = {i: a for i, a in inner.annotations.items() if i < len(offers)}
        plan, self._recipe = self._plan({})
        self._owner = _owner(plan, offers, app)
        self._socket = plan.offer(Socket)
        self._handshake = plan.offer(Handshake)
        self.bound = replace(
            inner, invoke=self._call, annotations=self._own, nested=tuple(plan.asked)
        )

    def _plan(self, overrides: Overrides) -> tuple[Plan, _Recipe]:
        plan = Plan(self._offers, self._own, overrides, self._app)
        slots = tuple(plan.need(want, (self._function,)) for want in self._wants)
        return plan, _Recipe(plan.steps, slots)

    async def _call(self, *values: Any) -> Any:
        app = self._owner(values)
        recipe = self._recipe
        overrides: Overrides | None = getattr(app, "dependency_overrides", None)
        socket = None if self._socket is None else values[self._socket]
        host = self._host(values, app) if socket is None else socket.handshake.native.get("app")
        if host is not None:
            overrides = {**getattr(host, "dependency_overrides", {}), **(overrides or {})}
        if overrides:
            _, recipe = self._plan(overrides)
        bound = app.settings.timeouts.close if app is not None else 0
        width, slots, invoke = len(self._offers), recipe.slots, self._invoke

        def inner(*made: Any) -> Awaitable[Any]:
            return invoke(*made[:width], *[made[slot] for slot in slots])

        return await run(recipe.steps, inner, list(values), bound)

    def _host(self, values: Sequence[Any], app: Any) -> Any:
        """Return the FastAPI application around a call without a socket; None outside of one."""
        if self._handshake is not None:
            return values[self._handshake].native.get("app")  # ASGI's, as Starlette sets it
        return getattr(getattr(app, "life", None), "host", None)


def _owner(plan: Plan, offers: Sequence[Offer], app: Any) -> Callable[[Sequence[Any]], Any]:
    """Return a function that finds the application among the values of a call."""
    indexes = (i for i, o in enumerate(offers) if not o.last and o.matches("app", EMPTY))
    direct, socket = next(indexes, None), plan.offer(Socket)

    def find(values: Sequence[Any]) -> Any:
        if direct is not None:
            return values[direct]
        if socket is not None and values[socket] is not None:
            return values[socket].app
        return app

    return find


def _named(wanted_name: str) -> Callable[[str, Any], bool]:
    return lambda name, _annotation: name == wanted_name


def _except(
    names: Mapping[str, Wanted], matches: Callable[[str, Any], bool]
) -> Callable[[str, Any], bool]:
    return lambda name, annotation: name not in names and matches(name, annotation)
