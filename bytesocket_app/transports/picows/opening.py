"""Opening of a connection whose upgrade is accepted, and running it to its end."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from anyio.abc import TaskGroup

from bytesocket_app.transports.interface import Acceptance, Handshake, Receiver
from bytesocket_app.transports.picows.parser import FrameParser, attach_parser, feed, renew_parser
from bytesocket_app.transports.picows.reader import Reader
from bytesocket_app.transports.picows.server_state import Deadlines, ServerState
from bytesocket_app.transports.picows.transport import PicowsTransport

logger = logging.getLogger("bytesocket")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Valid request for an upgrade.

    Attributes:
        deadlines: The application that it is for, and its deadlines.
        handshake: The request.
        key: Its `Sec-WebSocket-Key`.
    """

    deadlines: Deadlines
    handshake: Handshake
    key: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Open connection, which has to be run.

    Attributes:
        link: Its transport.
        receiver: Its way in.
    """

    link: PicowsTransport
    receiver: Receiver

    async def run(self) -> None:
        """Run the connection to the end of its hooks."""
        try:
            await self.link.run(self.receiver)
        finally:
            if not self.link.is_over:
                self.link.abort()


def open_connection(
    real: asyncio.Transport,
    server_state: ServerState,
    tasks: TaskGroup,
    upgrade: Upgrade,
    decision: Acceptance,
    early: bytes,
) -> Opened:
    """Answer an upgrade with 101, and open the connection in the core.

    What goes wrong once it is open ends it, and the core runs it all the same: so it takes the
    connection off its lists.

    Args:
        real: The connection.
        server_state: What it shares with others.
        tasks: Runs its concurrent handlers.
        upgrade: The request.
        decision: The core's.
        early: Bytes that came after the request.
    """
    deadlines = upgrade.deadlines
    limits = deadlines.served.settings.limits
    link = PicowsTransport(real, server_state)
    reader = Reader(link, limits, deadlines.unfinished)
    # uvloop notices that the parser has a buffer of its own when reading starts again.
    real.pause_reading()
    parser = attach_parser(
        real,
        reader,
        link,
        key=upgrade.key,
        subprotocol=decision.subprotocol,
        message_bytes=limits.message_bytes,
    )
    receiver = deadlines.served.endpoint.open(upgrade.handshake, link, decision, tasks)
    link.open(receiver, reader)
    reader.open(receiver, partial(renew_parser, real, reader, link, limits.message_bytes))
    deadlines.opened(link)
    try:
        _begin(real, parser, reader, early)
    except Exception:
        logger.exception("a connection failed as it was opened")
        link.abort()
    return Opened(link, receiver)


def _begin(real: asyncio.Transport, parser: FrameParser, reader: Reader, early: bytes) -> None:
    feed(parser, early)
    if not reader.is_paused:
        real.resume_reading()
