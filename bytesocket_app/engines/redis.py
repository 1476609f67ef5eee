"""Redis and Valkey: publish and subscribe over one connection.

The protocol's facts are those of redis.io/docs: "Serialization protocol", `HELLO`, `SUBSCRIBE`.
"""

import re
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, Final

import anyio
import hiredis
from typing_extensions import override

from bytesocket_app.engines.interface import TokenRequest, confirmed
from bytesocket_app.engines.line import Line, dial
from bytesocket_app.engines.reconnecting import CONNECT, ReconnectingEngine, refusal
from bytesocket_app.engines.resp import LOST, Argument, RespConnection
from bytesocket_app.engines.scripts import TAKE_TOKENS, TAKE_TOKENS_SHA
from bytesocket_app.engines.url import EngineAddress
from bytesocket_app.errors import EngineError, EngineRefused, first_line

OLDEST: Final = (6, 2)
"""Oldest version of Redis whose commands are enough."""

ROLE: Final = 0.2
"""Seconds between two looks at whether the server is a replica now: what it was given since then is
sent again, so that this is well below `bytesocket_app.cluster.outgoing.TAIL`."""

HOPELESS: Final = (
    "NOAUTH",
    "NOPERM",
    "WRONGPASS",
    "MOVED",
    "ERR invalid password",
    "ERR Client sent AUTH",
)
"""Beginnings of errors that another try would meet again."""


class RedisEngine(ReconnectingEngine):
    """Engine on Redis 6.2 or newer, or on Valkey.

    One RESP3 connection carries commands and subscriptions alike.

    Args:
        address: The server, and how to log in.
        name: What the server lists the connection as (`CLIENT LIST`).
    """

    is_ordered = True

    def __init__(self, address: EngineAddress, *, name: str = "bytesocket") -> None:
        super().__init__(address.shown)
        self._address = address
        self._name = name
        self._wanted: dict[str, bytes] = {}
        self._connection: RespConnection | None = None

    def publish(self, channel: str, payload: bytes, /) -> None:
        """Send to all who subscribe to a channel; only while up."""
        if self._connection is not None:
            self._connection.publish(channel.encode(), payload)

    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        """Want channels from now on; returns what ends when that is confirmed, or the link lost."""
        new = {channel: channel.encode() for channel in channels if channel not in self._wanted}
        self._wanted.update(new)
        if self._connection is None or not new:
            return confirmed()
        return self._connection.subscribe(list(new.values()))

    def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Want channels no more."""
        gone = [self._wanted.pop(channel) for channel in channels if channel in self._wanted]
        if gone and self._connection is not None:
            self._connection.unsubscribe(gone)

    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:  # noqa: ARG002
        """Take tokens from buckets of all processes by one script, at the server's time."""
        connection = self._connection
        if connection is None:
            raise EngineError("there is no connection to the broker")
        values: list[Argument] = [len(requests), *(each.bucket for each in requests)]
        for each in requests:
            values += [each.tokens, repr(each.per_second), each.burst]
        try:
            try:
                wait = await connection.ask("EVALSHA", TAKE_TOKENS_SHA, *values)
            except hiredis.ReplyError as error:
                if not str(error).startswith("NOSCRIPT"):
                    raise
                wait = await connection.ask("EVAL", TAKE_TOKENS, *values)
        except hiredis.ReplyError as error:
            raise EngineError(first_line(error)) from None
        return float(wait)

    def reset(self, reason: str, /) -> None:
        """Drop the connection and make a new one."""
        if self._connection is not None:
            self._connection.end(reason)

    def message(self, channel: bytes, payload: bytes) -> None:
        """Pass on a message."""
        if self._listener is not None:
            self._listener.received(channel.decode(errors="replace"), payload)

    def acknowledged(self, count: int) -> None:
        """Pass on how many publications the server has done."""
        if self._listener is not None:
            self._listener.acknowledged(count)

    def refused(self, reason: str) -> None:
        """Pass on that the server will not do a publication."""
        if self._listener is not None:
            self._listener.refused(reason)

    @override
    async def _live(self) -> str:
        try:
            with anyio.fail_after(CONNECT):
                line = await self._dial()
        except TimeoutError:
            return f"no answer in {CONNECT:g} s"
        except OSError as error:
            # anyio's own words, if there is a cause, are that all attempts failed.
            return first_line(error.__cause__ if isinstance(error.__cause__, OSError) else error)
        connection = RespConnection(line, self)
        try:
            await connection.run(partial(self._open, connection))
        except EngineRefused:
            raise  # though it is one of those below
        except hiredis.ReplyError as error:
            if str(error).startswith(HOPELESS):
                raise refusal(self.shown, str(error)) from None
            return str(error)
        except LOST as error:
            return first_line(error)
        finally:
            self._connection = None

    async def _dial(self) -> Line:
        ((host, port),) = self._address.hosts
        return await dial(host, port, is_encrypted=self._address.is_encrypted)

    async def _open(self, connection: RespConnection) -> None:
        """Log in, subscribe to what is wanted, tell of it, and look after the server's role."""
        address = self._address
        with anyio.fail_after(CONNECT):
            await connection.ask(*self._hello())
            self._check(await connection.ask("INFO", "server"))
            await _check_role(connection)
            if address.database:
                await connection.ask("SELECT", address.database)
            # From here on `subscribe` goes to this connection.
            self._connection = connection
            await connection.subscribe(list(self._wanted.values()))
            # Who may not publish hears of it now: what is published later has nobody to raise to.
            for channel in list(self._wanted.values())[:1]:
                await connection.ask("PUBLISH", channel + _NOBODY, b"")
        self._opened()
        while True:
            await anyio.sleep(ROLE)
            await _check_role(connection)

    def _hello(self) -> list[Argument]:
        address = self._address
        command: list[Argument] = ["HELLO", 3]
        if address.password is not None:
            command += ["AUTH", address.user or "default", address.password]
        return [*command, "SETNAME", self._name]

    def _check(self, info: Any) -> None:
        """Raise EngineRefused for a server that is too old, or part of a cluster."""
        fields = dict(_FIELD.findall(info.decode(errors="replace")))
        if "cluster" in {fields.get("redis_mode"), fields.get("server_mode")}:  # Valkey's name
            raise refusal(
                self.shown,
                "it is part of a Redis Cluster, which is not supported; use a single server.",
            )
        version = fields.get("redis_version", "")
        parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if parts and parts < OLDEST:
            raise refusal(
                self.shown, f"it is Redis {version}, and 6.2 is the oldest that can be used."
            )


async def _check_role(connection: RespConnection) -> None:
    """Raise EngineError for a replica: it takes messages, and passes none on to its primary."""
    if b"role:slave" in await connection.ask("INFO", "replication"):
        raise EngineError(
            "it is a replica, and who is connected to its primary hears nothing of it"
        )


_NOBODY: Final = b":nobody"
"""End of a channel that nobody subscribes to."""

_FIELD: Final = re.compile(r"^(\w+):(.*?)\r?$", re.MULTILINE)
