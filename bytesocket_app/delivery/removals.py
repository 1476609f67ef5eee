"""Telling of clients that server code took them out of a room: type 38 (protocol.md section 5).

A client is told only if it names a contract: others do not know the type, and to them the answer to
a request to leave, which they did not ask for, would mean something else.

A client ignores what it is told of a room that it has asked to join: the answer decides. So what is
to be told between the join and its answer, while join hooks run, is kept until the answer is sent.
"""

from collections.abc import Callable, Iterable
from typing import Any

from bytesocket_app.socket import Removal, SendingSide, Socket
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.shapes import removed


def tell_removed(
    sides: Iterable[tuple[Socket[Any], SendingSide]], room: str, removal: Removal
) -> None:
    """Tell the clients of sockets that were taken out of a room; encoded once for each codec."""
    frames: dict[CodecName, Frame] = {}
    for socket, side in sides:
        if socket.contract is None or not side.can_send:
            continue
        frame = frames.get(side.codec)
        if frame is None:
            frame = frames[side.codec] = _frame(side.codec, room, removal)
        if side.unanswered is not None and room in side.unanswered:
            side.unanswered[room] = frame
        else:
            side.write_unawaited(frame)


def hold(side: SendingSide, rooms: Iterable[str]) -> None:
    """Keep what is to be told of rooms that were joined, until the join is answered."""
    side.unanswered = dict.fromkeys(rooms)


def answered(side: SendingSide, is_member: Callable[[str], bool]) -> None:
    """Tell what was kept, except of rooms that the socket is in again."""
    held, side.unanswered = side.unanswered, None
    for room, frame in (held or {}).items():
        if frame is not None and side.can_send and not is_member(room):
            side.write_unawaited(frame)


def _frame(codec: CodecName, room: str, removal: Removal) -> Frame:
    payload = CODECS[codec].encode(removed(room, removal.code, removal.message))
    frame = Frame(payload, is_binary=codec == "binary")
    frame.is_awaited = True  # for a slow reader it is dropped after everything else, as answers are
    return frame
