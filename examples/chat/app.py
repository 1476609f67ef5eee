"""The server side of Chat: who may come in, what they may say, what the others see."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from bytesocket_app import AuthError, ByteSocket, Refusal, Socket
from starlette.staticfiles import StaticFiles

from chat import events
from chat.events import (
    MAX_NAME,
    Credentials,
    Person,
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
    key: str
    """What tells this person from others: the same one in each of their tabs."""


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
"""The latest messages of this process; another worker has those that were posted there."""


@app.auth(key=lambda user: user.key)
async def authenticate(credentials: Credentials) -> User:
    """Let somebody in under a name that nobody in the room has. Runs at every connect."""
    name = " ".join(credentials.name.split())
    if not name:
        raise AuthError("Please enter a name.")
    if len(name) > MAX_NAME:
        raise AuthError(f"That name is too long: at most {MAX_NAME} characters.")
    secret = credentials.session or uuid4().hex
    user = User(name, key=f"{name.casefold()}/{sha256(secret.encode()).hexdigest()[:16]}")
    for other in (await app.rooms.sockets("lobby")).sockets:  # of all workers
        called, _, _ = str(other.user_key).rpartition("/")
        if called == name.casefold() and other.user_key != user.key:
            raise AuthError(f"Somebody is already called {name}. Please take another name.")
    return user


@lobby.presence
def person(socket: Socket[User]) -> Person:
    """Show somebody to the others in the room, whichever worker they are connected to."""
    return Person(name=socket.user.name)


@lobby.on_join
async def greet(socket: Socket[User]) -> None:
    """Show the newcomer around."""
    await socket.emit(Welcome(you=socket.user.name, posts=list(history)))


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
