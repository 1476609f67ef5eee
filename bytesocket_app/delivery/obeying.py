"""Carrying out of commands in this process.

Everything that takes no time is done at once, so that commands and events for the same receivers
keep their order; the hooks of rooms run after it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from bytesocket_app.delivery.commands import Close, Command, CommandTarget, Leave
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.removals import tell_removed
from bytesocket_app.socket import Removal, Socket


class Begun(NamedTuple):
    """Command that was carried out, but for the hooks of a room.

    Attributes:
        receivers: Number of sockets here that it was for.
        sockets: Those whose hooks wait.
        room: The room.
        is_join: True if they are in it now.
    """

    receivers: int
    sockets: list[Socket[Any]]
    room: str
    is_join: bool


class CommandRunner:
    """Runner of commands in this process.

    Args:
        memberships: The open sockets and their rooms.
    """

    def __init__(self, memberships: Memberships) -> None:
        self._memberships = memberships

    def begin(self, command: Command) -> Begun:
        """Carry out a command, but for the hooks of rooms, which `finish` runs."""
        action, memberships = command.action, self._memberships
        receivers = list(self._receivers(command))
        if isinstance(action, Close):
            for socket in receivers:
                side = memberships.side(socket)
                if side is not None:
                    side.shut(action.code, action.reason)
            return Begun(len(receivers), [], "", is_join=False)
        room = action.room
        if isinstance(action, Leave):
            left = self.take_out(receivers, room, action.removal)
            return Begun(len(receivers), left, room, is_join=False)
        entered = [socket for socket in receivers if memberships.enter(socket, (room,))]
        return Begun(len(receivers), entered, room, is_join=True)

    async def finish(self, begun: Begun) -> None:
        """Run the hooks of the sockets that joined or left; each is called, if cancelled too."""
        memberships = self._memberships
        try:
            if begun.is_join and begun.sockets:
                await memberships.settled((begun.room,))
        finally:
            await memberships.all_told(begun.sockets, begun.room)

    def take_out(
        self, sockets: Iterable[Socket[Any]], room: str, removal: Removal
    ) -> list[Socket[Any]]:
        """Take sockets out of a room, and tell their clients; returns those that were in it."""
        memberships = self._memberships
        left = [socket for socket in sockets if memberships.exit(socket, (room,))]
        sides = ((socket, memberships.side(socket)) for socket in left)
        tell_removed([(one, side) for one, side in sides if side is not None], room, removal)
        return left

    def _receivers(self, command: Command) -> Iterable[Socket[Any]]:
        memberships, receiver = self._memberships, command.receiver
        if command.target is CommandTarget.USER:
            return memberships.users.of(receiver)
        name = str(receiver)
        if command.target is CommandTarget.ROOM:
            return memberships.index.members(name)
        found = memberships.sockets.get(name)
        return () if found is None else (found,)
