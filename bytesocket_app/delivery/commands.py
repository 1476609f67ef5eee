"""Commands: what server code has sockets do, in whichever process they are.

As a message between processes: `[kind, target, receiver, verb, ...]`, with the code and reason of a
`close`, the room of a `join`, and room, code and message of a `leave`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from bytesocket_app.cluster.channels import key_of_text, key_text
from bytesocket_app.cluster.node import Kind
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.socket import PLAIN, Removal, removal
from bytesocket_app.types import UserKey
from bytesocket_app.wire.close import checked_code, close_reason


class CommandTarget(Enum):
    """Whom a command is for."""

    SOCKET = "socket"
    """A socket by its id."""
    USER = "user"
    """All sockets of a user by their key."""
    ROOM = "room"
    """All members of a room."""


class Close(NamedTuple):
    """The connection is closed."""

    code: int
    reason: str


class Join(NamedTuple):
    """A room is joined."""

    room: str


class Leave(NamedTuple):
    """A room is left, and the client is told."""

    room: str
    removal: Removal


Action: TypeAlias = Close | Join | Leave


@dataclass(frozen=True, slots=True)
class Command:
    """Command to sockets, in whichever process they are.

    Attributes:
        target: The kind of receivers.
        receiver: The id of the socket, the key of the user, or the name of the room.
        action: What they do.
    """

    target: CommandTarget
    receiver: UserKey
    action: Action

    def body(self) -> list[Any]:
        """Return the command as a message between processes."""
        is_user = self.target is CommandTarget.USER
        receiver = key_text(self.receiver) if is_user else self.receiver
        return [Kind.COMMAND, self.target.value, receiver, *_written(self.action)]


def read_command(body: list[Any]) -> Command | None:
    """Return the command of a message; None if it is none."""
    match body:
        case [Kind.COMMAND, str(name), str(receiver), *words] if name in _TARGETS:
            target, action = _TARGETS[name], _action(words)
        case _:
            return None
    key = key_of_text(receiver) if target is CommandTarget.USER else receiver
    if action is None or key is None:
        return None
    is_for_room = isinstance(action, Leave) and action.room == key
    if target is CommandTarget.ROOM and not is_for_room:
        return None
    return Command(target, key, action)


_TARGETS: Final = {target.value: target for target in CommandTarget}


def _written(action: Action) -> list[Any]:
    if isinstance(action, Close):
        return ["close", action.code, action.reason]
    if isinstance(action, Join):
        return ["join", action.room]
    return ["leave", action.room, *action.removal]


def _action(words: list[Any]) -> Action | None:
    """Return what a message has sockets do; None for what server code cannot ask for."""
    match words:
        case ["join", str(room)]:
            return Join(room)
        case ["leave", str(room), PLAIN.code, str(message)]:
            return Leave(room, Removal(PLAIN.code, message))
        case ["leave", str(room), str(code), str(message)]:
            try:
                return Leave(room, removal(code, message))
            except ConfigurationError:
                return None
        case ["close", int(code), str(reason)]:
            try:
                return Close(checked_code(code), close_reason(reason))
            except ValueError:
                return None
        case _:
            return None
