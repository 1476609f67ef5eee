"""From a function with dependencies to a call; a function without any is bound as ever."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bytesocket_app.dependencies.calling import DependencyStep, run
from bytesocket_app.dependencies.connection import connection_maker
from bytesocket_app.dependencies.marker import Wanted, wanted
from bytesocket_app.dependencies.planning import Plan
from bytesocket_app.signature import EMPTY, Bound, Offer, read_signature
from bytesocket_app.signature import bind as bind_plainly
from bytesocket_app.socket import Socket

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]


def bind(
    function: Callable[..., Any], offers: Sequence[Offer], *, role: str, app: Any = None
) -> Bound:
    """Resolve a function's parameters, its dependencies and theirs.

    Args:
        function: `async def`, or `def`, which will run in a worker thread.
        offers: What can be asked for; the values of a call come in the same order.
        role: What the function is to be, for messages: "a handler of chat:post".
        app: The application, where no offer leads to it.

    Raises:
        ConfigurationError: A parameter asks for what is not on offer, an annotation cannot be
            resolved, or dependencies ask for each other.
    """
    parameters, hints = read_signature(function, role)
    wants: dict[str, Wanted] = {}
    for parameter in parameters:
        annotation = hints.get(parameter.name, EMPTY)
        want = wanted(parameter, annotation) or _connection(annotation)
        if want is not None:
            wants[parameter.name] = want
    if not wants:
        return bind_plainly(function, offers, role=role)
    return _Dependent(function, offers, wants, role, app).bound


def _connection(annotation: Any) -> Wanted | None:
    """Starlette's view of the handshake, asked for without a dependency between."""
    if connection_maker(annotation) is None:
        return None

    async def given(connection: Any) -> Any:
        return connection

    given.__annotations__["connection"] = annotation
    return Wanted(given, use_cache=False)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a call goes, with or without overrides.

    Attributes:
        steps: How the values after the offers' are made.
        slots: Where among all values the function's own dependencies are, in their order.
    """

    steps: Sequence[DependencyStep]
    slots: tuple[int, ...]


class _Dependent:
    """A function with dependencies.

    Attributes:
        bound: The function; its call makes the dependencies first and cleans up after it.
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
        # The function sees its dependencies as further offers, which no other name may take.
        plain = [replace(offer, matches=_except(wants, offer.matches)) for offer in offers]
        plain += [Offer("", _named(name)) for name in wants]
        inner = bind_plainly(function, plain, role=role)
        self._invoke = inner.invoke
        self._own = {i: a for i, a in inner.annotations.items() if i < len(offers)}
        plan, self._recipe = self._plan({})
        self._owner = _owner(plan, offers, app)
        self.bound = replace(
            inner, invoke=self._call, annotations=self._own, nested=tuple(plan.asked)
        )

    def _plan(self, overrides: Overrides) -> tuple[Plan, _Recipe]:
        plan = Plan(self._offers, self._own, overrides)
        slots = tuple(plan.need(want, (self._function,)) for want in self._wants)
        return plan, _Recipe(plan.steps, slots)

    async def _call(self, *values: Any) -> Any:
        app = self._owner(values)
        recipe = self._recipe
        overrides: Overrides | None = getattr(app, "dependency_overrides", None)
        if overrides:
            _, recipe = self._plan(overrides)
        bound = app.settings.timeouts.close if app is not None else 0
        width, slots, invoke = len(self._offers), recipe.slots, self._invoke

        def inner(*made: Any) -> Awaitable[Any]:
            return invoke(*made[:width], *[made[slot] for slot in slots])

        return await run(recipe.steps, inner, list(values), bound)


def _owner(plan: Plan, offers: Sequence[Offer], app: Any) -> Callable[[Sequence[Any]], Any]:
    """How to find the application among the values of a call."""
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
