"""The server side of Chat: who may come in, what they may say, what the others see."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from bytesocket_app import AuthError, ByteSocket, Refusal, Socket
from starlette.staticfiles import StaticFiles

from chat import events
from chat.events import (
    MAX_NAME,
    Credentials,
    Joined,
    Left,
    Post,
    Posted,
    Receipt,
    Typing,
    Typist,
    Welcome,
)

HISTORY = 50
"""How many messages a newcomer is shown."""


@dataclass(frozen=True)
class User:
    """Somebody who logged in: `socket.user` in every handler."""

    name: str
    session: str


class EmptyPost(Refusal, code="empty_post"):
    """A message without a visible character."""


app = ByteSocket(
    title="Chat",
    version="0.1.0",
    events=events,
    http=StaticFiles(directory=Path(__file__).parent / "static", html=True),
)
lobby = app.room("lobby")
history: deque[Posted] = deque(maxlen=HISTORY)
online: dict[str, User] = {}
"""Everybody who is logged in, by socket id. A user with two tabs is there twice."""


@app.auth
async def authenticate(socket: Socket[User], credentials: Credentials) -> User:
    """Let somebody in under a name that nobody else uses. Runs at every connect."""
    user = User(name=" ".join(credentials.name.split()), session=credentials.session)
    if not user.name:
        raise AuthError("Please enter a name.")
    if len(user.name) > MAX_NAME:
        raise AuthError(f"That name is too long: at most {MAX_NAME} characters.")
    for other in online.values():
        same_person = user.session and user.session == other.session
        if other.name.casefold() == user.name.casefold() and not same_person:
            raise AuthError(f"Somebody is already called {other.name}. Please take another name.")
    online[socket.id] = user
    return user


@app.lifecycle.close
async def log_out(socket: Socket[User]) -> None:
    """Free the name, however the connection ended."""
    online.pop(socket.id, None)


@lobby.on_join
async def greet(socket: Socket[User]) -> None:
    """Show the newcomer around, and the newcomer to the others."""
    name = socket.user.name
    await socket.emit(Welcome(you=name, people=people(), posts=list(history)))
    await lobby.emit(Joined(name=name), exclude=socket)


@lobby.on_leave
async def say_goodbye(socket: Socket[User]) -> None:
    """Tell the others, unless the same person is still here in another tab."""
    if socket.user.name not in people():
        await lobby.emit(Left(name=socket.user.name))


@app.on(Post, raises=(EmptyPost,))
async def post(socket: Socket[User], event: Post) -> Receipt:
    """Post a message to the room. A text that is too long never gets here: the model says so."""
    if not event.text.strip():
        raise EmptyPost("There is nothing to post: please write something first.")
    message_id = event.message_id or uuid4().hex
    if all(message_id != posted.message_id for posted in history):
        posted = Posted(
            message_id=message_id,
            author=socket.user.name,
            text=event.text.strip(),
            at=datetime.now(UTC),
        )
        history.append(posted)
        await lobby.emit(posted)
    return Receipt(message_id=message_id)


@lobby.on(Typing)
async def show_typing(socket: Socket[User]) -> Typist:
    """Tell the other members who is typing: what a room handler returns goes to them."""
    return Typist(name=socket.user.name)


def people() -> list[str]:
    """List the names in the room, each once."""
    return sorted({member.user.name for member in lobby.sockets()}, key=str.casefold)
