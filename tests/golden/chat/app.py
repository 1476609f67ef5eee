"""Rooms, relays, authentication, refusals with data, replies and volatile events."""

from uuid import UUID

from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, Event, Refusal, ServerEvent, Socket


class Post(ClientEvent, name="chat:post"):
    """Ask the server to post a message."""

    text: str
    reply_to: int | None = None


class Posted(ServerEvent, name="chat:posted"):
    author: str
    text: str


class Reaction(Event, name="chat:reaction"):
    emoji: str


class Move(ClientEvent, name="doc:move", volatile=True):
    x: float
    y: float


class Moved(ServerEvent, name="doc:moved", volatile=True):
    user: str
    x: float
    y: float


class Receipt(BaseModel):
    message_id: int


class Mute(BaseModel):
    seconds: int


class Muted(Refusal, code="muted"):
    """The author may not write for a while."""

    data: Mute


class Credentials(BaseModel):
    token: str


app = ByteSocket(
    title="Chat", version="1.2.0", path="/chat", events=[Post, Posted, Reaction, Move, Moved]
)
lobby = app.room("lobby")
doc = app.room("doc:{doc_id}")
app.room("user-feed", join="server")
lobby.relay(Reaction)


@app.auth
async def authenticate(socket: Socket, credentials: Credentials) -> str:
    return credentials.token


@app.on(Post, raises=(Muted,))
async def post(socket: Socket[str], event: Post) -> Receipt:
    return Receipt(message_id=1)


@doc.guard
async def may_open(socket: Socket[str], doc_id: UUID) -> None: ...


@doc.on(Move)
async def move(socket: Socket[str], event: Move, doc_id: UUID) -> Moved:
    return Moved(user=socket.user, x=event.x, y=event.y)
