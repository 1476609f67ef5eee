"""From person to person: whispers, and what an administrator does to people and their sockets."""

from fastapi import APIRouter

from bytesocket_app import Socket
from tests.apps.team_chat.accounts import CurrentUser, SessionDep, Somebody, somebody
from tests.apps.team_chat.chat import chat
from tests.apps.team_chat.database import Person
from tests.apps.team_chat.events import Whisper, Whispered

http = APIRouter(prefix="/people")

LOGGED_OUT = 4001


@chat.on(Whisper)
async def whisper(socket: Socket[Person], event: Whisper, session: SessionDep) -> Whispered:
    recipient = somebody(event.to, session)  # as in a route: whom nobody knows is not found
    whispered = Whispered(author=socket.user.name, text=event.text)
    await chat.user(recipient.name).emit(whispered)
    return whispered


@http.put("/{name}/mute")
def mute(user: CurrentUser, person: Somebody, session: SessionDep) -> None:
    session.mute(person)


@http.delete("/{name}/logins")
async def log_out(user: CurrentUser, person: Somebody, session: SessionDep) -> None:
    session.log_out(person)
    await chat.user(person.name).close(LOGGED_OUT, "logged out")


@http.delete("/{name}/sockets")
async def disconnect(user: CurrentUser, person: Somebody) -> None:
    await chat.user(person.name).close(reason="try again")
