"""Receipts: what the broker said about messages, for who waits for it."""

import anyio


class Receipt:
    """Note of what the broker said about messages that were published together.

    Attributes:
        left: Messages that it said nothing about yet.
        reason: Why it would not take one of them; None if it took what it spoke of.
        is_withdrawn: True if what did not leave yet is to be sent no more.
    """

    __slots__ = ("_done", "is_withdrawn", "left", "reason")

    def __init__(self) -> None:
        self.left = 0
        self.reason: str | None = None
        self.is_withdrawn = False
        self._done = anyio.Event()

    def expect(self) -> None:
        """Take note of one more message."""
        self.left += 1

    def taken(self) -> None:
        """Take note that the broker has one of the messages."""
        self.left -= 1
        if not self.left:
            self._done.set()

    def refused(self, reason: str) -> None:
        """Take note that the broker will not take one of the messages."""
        self.reason = reason
        self.taken()

    async def wait(self) -> None:
        """Wait until the broker has said something about each message."""
        if self.left:
            await self._done.wait()
