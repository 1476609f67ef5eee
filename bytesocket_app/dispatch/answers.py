"""Answers to event messages: a reply, an acknowledgement, or a refusal.

Without middleware an answer is sent at once; with middleware it is kept in its `Answer` until the
outermost step has returned.
"""

import logging
from typing import Any, Final

from pydantic import ValidationError

from bytesocket_app.dispatch.incoming import Answer, Incoming
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import EncodeError, Phase, Refusal
from bytesocket_app.socket import SendingSide
from bytesocket_app.telemetry import Count, Telemetry
from bytesocket_app.wire import CODECS, HOLE
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.shapes import MessageBody, auth_error, echoed, error_context, event_error

logger = logging.getLogger("bytesocket")

MAX_DETAILS: Final = 16
"""Greatest number of problems listed for one payload, to bound the length of the answer."""
_COUNTED: Final = 4096
_PARTS: Final = 64
_NAME: Final = 128
_TEXT: Final = 256
"""Greatest numbers of problems that are looked at, of parts of a location, and of characters of
such a part and of a message."""

INTERNAL: Final = Refusal("Something went wrong on the server.", code="internal")
TIMEOUT: Final = Refusal("The server took too long.", code="timeout")
STOPPED: Final = Refusal("The message was not passed on.", code="refused")

_REPLIES: Final = {
    name: codec.envelope({"type": MessageType.REPLY.value, "id": HOLE, "data": HOLE})
    for name, codec in CODECS.items()
}


def protocol_frame(sending: SendingSide, message: MessageBody) -> Frame:
    """Encode a message of the protocol (not an event), in the socket's own codec.

    If the data of a refusal cannot be encoded, the refusal is sent without data.
    """
    codec = CODECS[sending.codec]
    try:
        payload = codec.encode(message)
    except EncodeError:
        logger.exception("the data of a refusal cannot be sent, %s", sending)
        payload = codec.encode(_without_data(message))
    return Frame(payload, is_binary=codec.is_binary)


def _without_data(answer: MessageBody) -> MessageBody:
    context = answer["data"]
    error = {key: value for key, value in context["error"].items() if key != "data"}
    return {**answer, "data": {**context, "error": error}}


def send(sending: SendingSide, message: MessageBody) -> None:
    """Send a message of the protocol (not an event), if the socket can send."""
    sending.deliver(protocol_frame(sending, message))


def turn_away(
    sending: SendingSide, phase: Phase, refusal: Refusal, code: CloseCode, reason: str
) -> None:
    """Tell a client by type 6 that it is refused, and close its connection."""
    context = error_context(phase, refusal, code=int(code))
    # `write`, as `deliver` sends nothing to a socket that is not authenticated.
    sending.write(protocol_frame(sending, auth_error(context)))
    sending.shut(code, reason)


def validation_details(error: ValidationError) -> list[MessageBody]:
    """Return Pydantic's problems as location, message and type, without the input.

    Long locations and texts, which may hold what the peer sent, are cut; very many problems, of
    which each would take its time and memory, are one.
    """
    count = error.error_count()
    if count > _COUNTED:
        return [{"loc": [], "msg": f"{count} problems, too many to list", "type": "too_many"}]
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {
            "loc": [_cut(part) for part in p["loc"][:_PARTS]],
            "msg": _cut(p["msg"], _TEXT),
            "type": _cut(p["type"]),
        }
        for p in problems[:MAX_DETAILS]
    ]


def close_for(step: Step, telemetry: Telemetry, reason: str, error: object = None) -> None:
    """Close a connection with 1008 for what its peer sent; log and count it."""
    about = "" if error is None else f": {error}"
    logger.info("closing 1008 %s%s, %s", reason, about, step.socket)
    telemetry.count(Count.REFUSED, code=reason.replace(" ", "_"))
    step.sending.shut(CloseCode.POLICY, reason)


def _cut(part: Any, most: int = _NAME) -> Any:
    return part[: most - 1] + "…" if isinstance(part, str) and len(part) > most else part


def refuse(
    step: Step,
    message: Incoming,
    phase: Phase,
    refusal: Refusal,
    *,
    details: list[MessageBody] | None = None,
) -> None:
    """Refuse an event message.

    Args:
        step: The current step.
        message: The message.
        phase: The phase of the refusal, for the peer.
        refusal: The code, text and data of the refusal.
        details: The problems of a payload.
    """
    answer = message.answer
    if answer is not None:
        answer.fail(refusal, phase, details)
    else:
        refuse_now(step, message, phase, refusal, details=details)


def refuse_now(
    step: Step,
    message: Incoming,
    phase: Phase,
    refusal: Refusal,
    *,
    details: list[MessageBody] | None = None,
) -> None:
    """Refuse an event message, whatever middleware is around; see `refuse`.

    Nothing is sent if a concurrent handler has answered already; one that has not gets nothing to
    answer any more.
    """
    owner = None if message.answer is None else message.answer.owner
    if owner is not None and message.id is not None:
        if owner.id is None:
            return
        owner.id = None
    step.outcome = refusal.code
    event, room = echoed(message.event), echoed(message.room)
    context = error_context(phase, refusal, event=event, room=room, details=details)
    send(step.sending, event_error(message.id, context))
    message.id = None


def reply(step: Step, message: Incoming, data: bytes, value: object) -> None:
    """Answer a request with `value`; `data` is the value encoded in the socket's codec."""
    answer = message.answer
    if answer is not None:
        answer.value, answer.data = value, data
    elif message.id is not None:
        _reply(step.sending, message, data)


def _reply(sending: SendingSide, message: Incoming, data: bytes) -> None:
    codec = CODECS[sending.codec]
    start, middle, end = _REPLIES[sending.codec]
    payload = start + codec.encode(message.id) + middle + data + end
    sending.deliver(Frame(payload, is_binary=codec.is_binary))
    message.id = None


def acknowledge(step: Step, message: Incoming) -> None:
    """Answer a request with null; does nothing for a message without `id`."""
    if message.id is not None:
        reply(step, message, CODECS[step.sending.codec].encode(None), None)


def settle(step: Step, message: Incoming, answer: Answer) -> None:
    """Send the answer that was kept; called after the outermost step of middleware returned."""
    answer.is_over = True
    if answer.failed is not None:
        refuse_now(step, message, answer.phase, answer.failed, details=answer.details)
    elif not answer.is_reached:
        if message.id is not None:
            refuse_now(step, message, Phase.MIDDLEWARE, STOPPED)
    elif answer.data is not None and message.id is not None and answer.owner is None:
        _reply(step.sending, message, answer.data)
