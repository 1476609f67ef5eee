"""Values that handlers return although they do not declare them."""

from pydantic import ValidationError

from bytesocket_app.declarations.handlers import Handler
from bytesocket_app.errors import UndeclaredAnswer
from bytesocket_app.events import PayloadType, ServerEvent
from bytesocket_app.events.declared import is_payload
from bytesocket_app.lifecycle import Promises
from bytesocket_app.lifecycle.promises import meant_otherwise, mismatch, named
from bytesocket_app.signature import EMPTY, type_text


def unread_reply(promises: Promises, handler: Handler, value: object) -> None:
    """Take note of a value of a handler that declares no reply.

    Raises:
        UndeclaredAnswer: An application that is strict takes it for a failure.
    """
    remedy = meant_otherwise(value)
    if not remedy:
        remedy = f"Annotate `-> {named(value)}`, as the annotation is the reply, or return nothing."
        if isinstance(value, ServerEvent) or is_payload(value):
            remedy = f"Emit it, as in `await socket.emit(...)`. {remedy}"
    what = f"the handler of {handler.spec.name!r}"
    promises.unread(what, handler.bound.source, value, f"{_said(handler)}. {remedy}")


def wrong_reply(
    handler: Handler, reply: PayloadType, value: object, error: ValidationError
) -> UndeclaredAnswer:
    """Make the error for a reply that is not of the declared type."""
    return UndeclaredAnswer(
        f"{handler.bound.source}: the handler of {handler.spec.name!r} replies with another type "
        f"than it declares: {mismatch(reply, value, error)}. Return what it declares, or declare "
        "what it returns."
    )


def undeclared_event(promises: Promises, handler: Handler, value: object) -> None:
    """Take note of an event that a room's handler returns and does not declare; it is emitted.

    Raises:
        UndeclaredAnswer: An application that is strict takes it for a failure.
    """
    source = handler.bound.source
    annotation = "ServerPayload" if is_payload(value) else named(value)
    promises.broken(
        f"{source}: the handler of {handler.spec.name!r} returned {named(value)} for a room's "
        f"members, and {_said(handler)}: the contract does not say that this event comes there. "
        f"Annotate `-> {annotation}`.",
        source,
    )


def _said(handler: Handler) -> str:
    returns = handler.bound.returns
    if returns is EMPTY:
        return "it has no return annotation"
    return f"it declares `-> {'None' if returns in (None, type(None)) else type_text(returns)}`"
