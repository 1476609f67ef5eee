"""Channels: invitations and history by HTTP, conversation by socket."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException

from bytesocket_app import Refusal, Router, Socket
from tests.apps.team_chat.accounts import CurrentUser, SessionDep, Somebody
from tests.apps.team_chat.chat import chat
from tests.apps.team_chat.database import Channel, Person
from tests.apps.team_chat.events import (
    Post,
    Posted,
    Present,
    Reaction,
    Receipt,
    Removed,
    Typing,
    Typist,
)

http = APIRouter(prefix="/channels")
sockets = Router()


class Archived(Refusal, code="archived"):
    """The channel can only be read, by HTTP."""


class Muted(Refusal, code="muted"):
    """You may read, and say nothing."""

    data: str


def my_channel(channel_id: int, user: CurrentUser, session: SessionDep) -> Channel:
    """The channel that a path or a room's name means, if this person is a member."""
    channel = session.channel(channel_id)
    if channel is None:
        raise HTTPException(404, "There is no such channel.")
    if not session.is_member(channel, user):
        raise HTTPException(403, f"{user.name} is not a member of {channel.name}.")
    return channel


MyChannel = Annotated[Channel, Depends(my_channel)]


@http.post("")
def open_channel(name: str, user: CurrentUser, session: SessionDep) -> Channel:
    channel = session.open_channel(name)
    session.invite(channel, user)
    return channel


@http.get("/{channel_id}/messages")
def history(channel: MyChannel, session: SessionDep) -> list[Posted]:
    return [Posted(id=m.id, author=m.author, text=m.text) for m in session.history(channel)]


@http.put("/{channel_id}/members/{name}")
def invite(channel: MyChannel, person: Somebody, session: SessionDep) -> None:
    session.invite(channel, person)


@http.delete("/{channel_id}/members/{name}")
async def remove(channel: MyChannel, person: Somebody, session: SessionDep) -> None:
    session.remove(channel, person)
    for socket in room.sockets(channel_id=channel.id):
        if socket.user == person:
            await socket.rooms.leave(room.name(channel_id=channel.id))
    await chat.user(person.name).emit(Removed(channel_id=channel.id))


@http.put("/{channel_id}/archive")
def archive(channel: MyChannel, session: SessionDep) -> None:
    session.archive(channel)


room = sockets.room("channel:{channel_id}")
room.relay(Reaction)


@room.guard(raises=(Archived,))
async def may_join(channel: MyChannel) -> None:
    if channel.is_archived:
        raise Archived(f"{channel.name} is archived.")


@room.on_join
@room.on_leave
async def tell_who_is_there(channel_id: int) -> None:
    names = {member.user.name for member in room.sockets(channel_id=channel_id)}
    await room.emit(Present(names=sorted(names)), channel_id=channel_id)


@room.on(Post, raises=(Muted,))
async def post(
    socket: Socket[Person], event: Post, channel_id: int, user: CurrentUser, session: SessionDep
) -> Receipt:
    message = session.say(channel_id, user.name, event.text)
    if user.is_muted:
        raise Muted("Somebody muted you.", data="Ask ann.")
    posted = Posted(id=message.id, author=message.author, text=message.text)
    await room.emit(posted, channel_id=channel_id, exclude=socket)
    return Receipt(message_id=message.id)


@room.on(Typing)
async def typing(socket: Socket[Person], event: Typing) -> Typist:
    return Typist(name=socket.user.name)
