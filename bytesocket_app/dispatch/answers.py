"""Answers to event messages: a reply, an acknowledgement, or a refusal.

An answer is sent as soon as it is known, or held in its `Answer` until its middleware
has seen it.
"""

import logging
from typing import Final

from pydantic import ValidationError

from bytesocket_app.dispatch.incoming import Answer, Incoming
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import EncodeError, Phase, Refusal
from bytesocket_app.socket import SendingSide
from bytesocket_app.wire import CODECS, HOLE
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.shapes import MessageBody, error_context, event_error

logger = logging.getLogger("bytesocket")

MAX_DETAILS: Final = 16
"""Problems listed for one payload: enough to mend it, not enough to amplify it."""

INTERNAL: Final = Refusal("Something went wrong on the server.", code="internal")
TIMEOUT: Final = Refusal("The server took too long.", code="timeout")
STOPPED: Final = Refusal("The message was not passed on.", code="refused")

_REPLIES: Final = {
    name: codec.envelope({"type": MessageType.REPLY.value, "id": HOLE, "data": HOLE})
    for name, codec in CODECS.items()
}


def protocol_frame(sending: SendingSide, message: MessageBody) -> Frame:
    """Encode a message of the protocol itself, in the socket's own codec.

    A refusal whose data no message can carry is the application's mistake, not the peer's: it is
    told without.
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
    """Send a message of the protocol itself, if the client can be sent to."""
    sending.deliver(protocol_frame(sending, message))


def validation_details(error: ValidationError) -> list[MessageBody]:
    """Write Pydantic's problems as location, message and type; never the input."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"loc": list(p["loc"]), "msg": p["msg"], "type": p["type"]} for p in problems[:MAX_DETAILS]
    ]


def refuse(
    step: Step,
    message: Incoming,
    phase: Phase,
    refusal: Refusal,
    *,
    details: list[MessageBody] | None = None,
) -> None:
    """Say no to an event message.

    Args:
        step: The work at hand.
        message: The message.
        phase: Where it was refused, for the peer.
        refusal: Code, text and data.
        details: Problems of a payload.
    """
    answer = message.answer
    if answer is not None:
        answer.fail(refusal, phase, details)
        return
    step.outcome = refusal.code
    context = error_context(phase, refusal, event=message.event, room=message.room, details=details)
    send(step.sending, event_error(message.id, context))


def reply(step: Step, message: Incoming, data: bytes, value: object) -> None:
    """Answer a message's `id` with a value that is encoded already, in the socket's codec."""
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


def acknowledge(step: Step, message: Incoming) -> None:
    """Answer a message's `id`, if it has one, with nothing but the word that it is done."""
    if message.id is not None:
        reply(step, message, CODECS[step.sending.codec].encode(None), None)


def settle(step: Step, message: Incoming, answer: Answer) -> None:
    """Send the answer that was held; call it when the outermost step of middleware has returned."""
    message.answer = None
    if answer.failed is not None:
        refuse(step, message, Phase.MIDDLEWARE, INTERNAL)  # a step swallowed the failure
    elif not answer.is_reached:
        if message.id is not None:
            refuse(step, message, Phase.MIDDLEWARE, STOPPED)
    elif answer.data is not None and message.id is not None and not answer.is_deferred:
        _reply(step.sending, message, answer.data)
