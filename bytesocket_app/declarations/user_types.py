"""Types of users: those that authentication returns, compared with those that handlers ask for."""

from collections.abc import Awaitable, Iterable, Iterator
from typing import Any, get_args, get_origin, is_typeddict

from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.handlers import HandlerTable
from bytesocket_app.declarations.rooms import DeclaredRooms
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.signature import EMPTY, Bound, alternatives, type_text
from bytesocket_app.socket import Socket

_WIDER = {int: (float, complex), float: (complex,)}
"""What a type checker takes a number for, though it is no subclass (PEP 484)."""


def check_users(
    authenticator: Authenticator | None,
    handlers: HandlerTable,
    rooms: DeclaredRooms,
    lifecycle: Lifecycle,
) -> None:
    """Compare what authentication returns with every `Socket[User]` of the application.

    Only what cannot be is refused: a function without a return type may return anything, and a
    handler may ask for a narrower type than the function promises.

    Raises:
        ConfigurationError: A function asks for users that authentication never returns.
    """
    if authenticator is None or authenticator.bound.returns is EMPTY:
        return
    result = authenticator.bound.returns
    for bound in _functions(handlers, rooms, lifecycle):
        for user in _asked(bound):
            if not _may_be(result, user):
                raise ConfigurationError(
                    f"{bound.source}: {getattr(bound.function, '__qualname__', 'a function')} asks "
                    f"for Socket[{type_text(user)}], and the users that authentication returns "
                    f"({authenticator.bound.source}) are {type_text(result)}. Annotate both with "
                    "the same type, or raise AuthError where there is no user."
                )


def _functions(
    handlers: HandlerTable, rooms: DeclaredRooms, lifecycle: Lifecycle
) -> Iterator[Bound]:
    yield from (handler.bound for handler in handlers.all())
    for room in rooms.all():
        yield from room.functions()
    yield from rooms.every.functions()
    yield from lifecycle.functions()


def _asked(bound: Bound) -> Iterator[Any]:
    """The users of the sockets that a function and its dependencies ask for."""
    nested: Iterable[Any] = (annotation for _, annotation in bound.nested)
    for annotation in (*bound.annotations.values(), *nested):
        for each in alternatives(annotation):
            if get_origin(each) is Socket:
                yield get_args(each)[0]


def _may_be(result: Any, wanted: Any) -> bool:
    """Return True if each kind of value that is returned may be one of those that are wanted."""
    return all(
        any(_may_meet(_plain(one), _plain(other)) for other in alternatives(wanted))
        for one in alternatives(result)
    )


def _may_meet(one: Any, other: Any) -> bool:
    if not (isinstance(one, type) and isinstance(other, type)) or other in _WIDER.get(one, ()):
        return True
    if any(_has_no_instances(kind) for kind in (one, other)):
        return True
    return issubclass(one, other) or issubclass(other, one)


def _plain(annotation: Any) -> Any:
    """The class behind an annotation: of `list[int]`, a new type, None; others as they are."""
    while hasattr(annotation, "__supertype__"):
        annotation = annotation.__supertype__
    return type(None) if annotation is None else get_origin(annotation) or annotation


def _has_no_instances(kind: type) -> bool:
    """Return True for a type whose values are told by their shape, or come later than returned."""
    is_protocol: bool = getattr(kind, "_is_protocol", False)
    return kind is Any or is_protocol or is_typeddict(kind) or issubclass(kind, Awaitable)
