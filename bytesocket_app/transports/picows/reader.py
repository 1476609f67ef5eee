"""Receiving side of a connection: the rules of RFC 6455 that picows does not check.

An unfragmented message goes from `on_ws_frame` straight to `received`. One flag sends fragments,
control frames, pauses and breaches of the protocol along a slower path.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from picows import WSFrame, WSListener, WSMsgType, WSTransport
from typing_extensions import override

from bytesocket_app.settings import Limits
from bytesocket_app.transports.interface import Receiver
from bytesocket_app.transports.picows.closing import ProtocolViolation, read_close
from bytesocket_app.transports.picows.fragments import FragmentBuffer
from bytesocket_app.transports.picows.parser import KEPT
from bytesocket_app.transports.picows.transport import PicowsTransport
from bytesocket_app.wire.close import CloseCode

CONTINUATION: Final = WSMsgType.CONTINUATION
TEXT: Final = WSMsgType.TEXT
BINARY: Final = WSMsgType.BINARY
CLOSE: Final = WSMsgType.CLOSE
PING: Final = WSMsgType.PING
PONG: Final = WSMsgType.PONG


class Reader(WSListener):
    """Reader of frames from picows; it pushes messages into the core.

    Args:
        link: The sending side of the same connection.
        limits: Limits on messages and fragments.
        unfinished: Called when a fragmented message begins.

    Attributes:
        fragments: The unfinished message; None without one.
        begun_at: The time when that message began, set by `unfinished`.
    """

    __slots__ = (
        "_farewell",
        "_heard",
        "_limits",
        "_link",
        "_paused",
        "_pending",
        "_plain",
        "_received",
        "_renew",
        "_unfinished",
        "begun_at",
        "fragments",
    )

    def __init__(
        self, link: PicowsTransport, limits: Limits, unfinished: Callable[["Reader"], None]
    ) -> None:
        self._link = link
        self._limits = limits
        self._unfinished = unfinished
        self._received: Callable[[bytes | str, bool], bool]
        self._heard: Callable[[], None]
        self._renew: Callable[[], None]
        self._pending: deque[tuple[bytes | str, bool]] | None = None
        self._farewell: tuple[int, str] | None = None
        self._paused = False
        self._plain = True
        self.fragments: FragmentBuffer | None = None
        self.begun_at = 0.0

    def open(self, receiver: Receiver, renew: Callable[[], None]) -> None:
        """Push all later messages into this receiver.

        Args:
            receiver: The receiver.
            renew: Called when the read buffer has become large, and is empty.
        """
        self._renew = renew
        self._received = receiver.received
        self._heard = receiver.heard

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame; picows has checked its opcode, mask and length."""
        kind, link, received = frame.msg_type, self._link, self._received
        link.is_reading = True
        plain = self._plain and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3)
        if plain and kind is TEXT:
            try:
                text = frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                link.fail(CloseCode.INVALID_TEXT, "the text is not UTF-8")
            else:
                link.is_due = True
                if not received(text, False):  # noqa: FBT003
                    self._pause()
        elif plain and kind is BINARY:
            link.is_due = True
            payload = frame.get_payload_as_bytes()
            if not payload:
                link.hold()
            if not received(payload, True):  # noqa: FBT003
                self._pause()
        else:
            self._take_special(kind, frame)
        if frame.last_in_buffer:
            if frame.payload_size > KEPT and not (frame.tail_size or link.is_over):
                self._renew()
            link.end_reading()

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Take note that the connection is gone."""
        self._link.lose()

    def end(self) -> None:
        """Take note that the peer will send nothing more."""
        self._link.depart()

    @override
    def pause_writing(self) -> None:
        """Take note that the write buffer is full."""
        self._link.block()

    @override
    def resume_writing(self) -> None:
        """Take note that the write buffer has room again."""
        self._link.unblock()

    @property
    def is_paused(self) -> bool:
        """True while reading is paused, for pongs too."""
        return self._paused

    def resume(self) -> None:
        """Resume reading, after the messages that came during the pause."""
        self._paused = False
        while self._pending and not (self._paused or self._link.is_over):
            self._deliver(*self._pending.popleft())
        if self._paused or self._link.is_over:
            return
        if self._farewell is not None:
            self._link.part(*self._farewell)
            return
        self._settle()
        self._link.read(on=True)

    def ignore(self) -> None:
        """Ignore all frames but control frames: the core closes the connection."""
        self._pending = None
        self._settle()
        if self._paused:
            self.resume()

    def stop(self) -> None:
        """Ignore all frames: the connection is over."""
        self._plain = False
        self._pending = self.fragments = None

    def give_up(self, since: float) -> None:
        """Close the connection if a message begun at `since` is unfinished without a pause."""
        if self.fragments is not None and self.begun_at <= since and not self._paused:
            self._link.fail(CloseCode.POLICY, "the message was not finished")

    def _pause(self) -> None:
        # picows may have read further frames, and delivers them in spite of the pause.
        self._paused = True
        self._plain = False
        self._link.read(on=False)

    def _settle(self) -> None:
        """Set the flag that decides between the fast and the slow path for the next message."""
        special = self._paused or self._link.is_closing or self._farewell is not None
        self._plain = not special and self.fragments is None

    def _take_special(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Take a frame on the slow path: no whole message, or one during a pause or a close."""
        if self._link.is_over or self._farewell is not None:
            return
        try:
            self._take(kind, frame)
        except ProtocolViolation as breach:
            self._link.fail(breach.code, breach.reason)

    def _take(self, kind: WSMsgType, frame: WSFrame) -> None:
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise ProtocolViolation(CloseCode.PROTOCOL, "reserved bits are set")
        payload = frame.get_payload_as_bytes()
        if kind is PING:
            self._link.answer(payload)
        elif kind is PONG:
            self._link.asked_at = None
            self._heard()
        elif kind is CLOSE:
            self._farewell = read_close(payload)
            self._plain = False
            if not self._paused:
                self._link.part(*self._farewell)
        elif kind is CONTINUATION:
            self._continue(payload, fin=bool(frame.fin))
        elif self.fragments is not None:
            raise ProtocolViolation(CloseCode.PROTOCOL, "a message inside another")
        elif frame.fin:
            self._deliver(payload if kind is BINARY else _text(payload), kind is BINARY)
        else:
            limits = self._limits
            self.fragments = FragmentBuffer(
                is_binary=kind is BINARY,
                message_bytes=limits.message_bytes,
                fragments=limits.fragments,
            )
            self.fragments.add(payload)
            self._plain = False
            self._unfinished(self)

    def _continue(self, payload: bytes, *, fin: bool) -> None:
        fragments = self.fragments
        if fragments is None:
            raise ProtocolViolation(CloseCode.PROTOCOL, "a continuation of nothing")
        fragments.add(payload)
        if fin:
            self.fragments = None
            self._settle()
            whole = fragments.whole()
            self._deliver(whole if fragments.is_binary else _text(whole), fragments.is_binary)

    def _deliver(self, payload: bytes | str, is_binary: bool) -> None:  # noqa: FBT001 - as `received`
        """Pass on a message, or keep it during a pause."""
        if self._link.is_closing:
            return
        if not self._paused:
            if not self._received(payload, is_binary):
                self._pause()
            self._link.wake()
        elif self._pending is None:
            self._pending = deque([(payload, is_binary)])
        else:
            self._pending.append((payload, is_binary))


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise ProtocolViolation(CloseCode.INVALID_TEXT, "the text is not UTF-8") from None
