"""The few type aliases that everything else is written in."""

from typing import Literal, TypeAlias

EventName: TypeAlias = str | int | float
"""An event's name on the wire. `"7"` and `7` are two names (protocol.md section 2)."""

CodecName: TypeAlias = Literal["json", "binary"]
"""Which of the two wire formats a message is sent in."""

Direction: TypeAlias = Literal["client", "server", "both"]
"""Who sends an event: clients, the server, or both."""

RequestId: TypeAlias = str | int
"""What a client puts into `id` to ask for a reply."""

UserKey: TypeAlias = str | int
"""What identifies a user across all of their sockets. `"7"` and `7` are two users."""

Outcome: TypeAlias = Literal["sent", "queued", "dropped"]
"""Outcome of sending: handed to the network, waiting for it, or lost because nobody can get it."""
