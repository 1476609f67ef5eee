"""Clients' changes of their own entries in rooms with presence: 36 (protocol.md section 14.6)."""

from typing import Any

from pydantic import ValidationError

from bytesocket_app.delivery.presence import PresenceKeeper
from bytesocket_app.dispatch.answers import send, validation_details
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import EncodeError, Phase, Refusal
from bytesocket_app.types import CodecName
from bytesocket_app.wire.shapes import echoed, error_context, event_error

_INVALID = Refusal("The entry is not valid.", code="validation")


def change_entry(
    step: Step, presence: PresenceKeeper, message: dict[str, Any], codec: CodecName
) -> None:
    """Change the client's entry as its message says, or refuse that by a message of type 3.

    Args:
        step: The current step.
        presence: Who is in the application's rooms.
        message: A message that `is_presence` took.
        codec: The codec that it came in.
    """
    room, details = message["room"], None
    try:
        presence.change_by_client(step.socket, room, message["data"], codec)
    except ValidationError as error:
        refusal, details = _INVALID, validation_details(error)
    except EncodeError:
        refusal = _INVALID
    except Refusal as error:
        refusal = error
    else:
        return
    context = error_context(Phase.ROOM_MESSAGE, refusal, room=echoed(room), details=details)
    send(step.sending, event_error(None, context))
