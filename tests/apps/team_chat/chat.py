"""The socket, who may connect, and news for all who are."""

from fastapi import APIRouter

from bytesocket_app import ByteSocket, Socket
from tests.apps.team_chat import events
from tests.apps.team_chat.accounts import CurrentUser
from tests.apps.team_chat.database import Person
from tests.apps.team_chat.events import Announced

http = APIRouter()
chat = ByteSocket(title="Team chat", version="1.0.0", events=events)
news = chat.room("news", join="server")


@chat.auth(key=lambda person: person.name)
async def authenticate(user: CurrentUser) -> Person:
    """Take who logged in by HTTP: a 401 of the dependency refuses the handshake."""
    return user


@chat.lifecycle.open
async def opened(socket: Socket[Person]) -> None:
    await socket.rooms.join("news")


@http.post("/news")
async def announce(text: str, user: CurrentUser) -> None:
    await news.emit(Announced(text=f"{user.name}: {text}"))
