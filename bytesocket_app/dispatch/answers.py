"""What a peer is told when something is refused: one error context, in three envelopes.

`{type: 33, id, data}` answers a message that carried an `id`, `{type: 3, data}` one that did not,
and membership requests have error types of their own (protocol.md section 2).
"""

import logging
from typing import Any, Final

from pydantic import ValidationError

from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.errors import EncodeError, Phase, Refusal
from bytesocket_app.socket import Socket
from bytesocket_app.wire import CODECS, HOLE
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.message_type import MessageType

logger = logging.getLogger("bytesocket")

MAX_DETAILS: Final = 16
"""Problems listed for one payload: enough to mend it, not enough to amplify it."""

INTERNAL: Final = Refusal("Something went wrong on the server.", code="internal")
TIMEOUT: Final = Refusal("The server took too long.", code="timeout")

_REPLIES: Final = {
    name: codec.envelope({"type": MessageType.REPLY.value, "id": HOLE, "data": HOLE})
    for name, codec in CODECS.items()
}


def protocol_frame(socket: Socket[Any], message: dict[str, Any]) -> Frame:
    """Encode a message of the protocol itself, in the socket's own codec.

    A refusal whose data no message can carry is the application's mistake, not the peer's: it is
    told without.
    """
    codec = CODECS[socket.codec]
    try:
        payload = codec.encode(message)
    except EncodeError:
        logger.exception("the data of a refusal cannot be sent, %s", socket)
        payload = codec.encode(_without_data(message))
    return Frame(payload, is_binary=codec.is_binary)


def _without_data(answer: dict[str, Any]) -> dict[str, Any]:
    context = answer["data"]
    error = {key: value for key, value in context["error"].items() if key != "data"}
    return {**answer, "data": {**context, "error": error}}


def send(socket: Socket[Any], message: dict[str, Any]) -> None:
    """Send a message of the protocol itself, if the client can be sent to."""
    socket.deliver(protocol_frame(socket, message))


def error_context(phase: Phase, refusal: Refusal, **more: Any) -> dict[str, Any]:
    """Write an error context: `{phase, error: {code, message, data?}, event?, room?, ...}`."""
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.data is not None:
        error["data"] = refusal.data
    context: dict[str, Any] = {"phase": phase.value, "error": error}
    context.update((key, value) for key, value in more.items() if value is not None)
    return context


def validation_details(error: ValidationError) -> list[dict[str, Any]]:
    """Pydantic's problems as location, message and type; never the input."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"loc": list(p["loc"]), "msg": p["msg"], "type": p["type"]} for p in problems[:MAX_DETAILS]
    ]


def refuse(
    socket: Socket[Any],
    message: Incoming,
    phase: Phase,
    refusal: Refusal,
    *,
    details: list[dict[str, Any]] | None = None,
) -> None:
    """Say no to an event message, as an answer to its `id` if it has one."""
    context = error_context(phase, refusal, event=message.event, room=message.room, details=details)
    if message.id is None:
        send(socket, {"type": MessageType.ERROR.value, "data": context})
    else:
        answer = {"type": MessageType.REPLY_ERROR.value, "id": message.id, "data": context}
        send(socket, answer)


def reply(socket: Socket[Any], message: Incoming, data: bytes) -> None:
    """Answer a message's `id` with a value that is encoded already, in the socket's codec."""
    codec = CODECS[socket.codec]
    start, middle, end = _REPLIES[socket.codec]
    payload = start + codec.encode(message.id) + middle + data + end
    socket.deliver(Frame(payload, is_binary=codec.is_binary))


def acknowledge(socket: Socket[Any], message: Incoming) -> None:
    """Answer a message's `id`, if it has one, with nothing but the word that it is done."""
    if message.id is not None:
        reply(socket, message, CODECS[socket.codec].encode(None))
