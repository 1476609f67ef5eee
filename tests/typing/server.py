"""What checkers say of an application. It is checked, never run."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, assert_type
from uuid import UUID

from pydantic import BaseModel, Field

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ClientEvent,
    ErrorContext,
    Event,
    Handshake,
    Message,
    Refusal,
    ServerEvent,
    Socket,
)
from bytesocket_app.events import BothHandle, BothPayload, ClientHandle, ServerHandle, ServerPayload
from bytesocket_app.testing import TestClient


@dataclass
class User:
    name: str


class Credentials(BaseModel):
    token: str


class Post(ClientEvent, name="chat:post"):
    text: Annotated[str, Field(min_length=1)]


class Posted(ServerEvent, name="chat:posted", volatile=True):
    author: str


class Reaction(Event, name=7):
    emoji: str


class Base(ClientEvent, abstract=True):
    at: int


class Receipt(BaseModel):
    message_id: int


class Muted(Refusal, code="muted"):
    pass


app = ByteSocket(title="Chat", events=[Post, Posted, Reaction])
lobby = app.room("lobby")
doc = app.room("doc:{doc_id}", join="server")

both = app.declare("number", int)
asked = app.declare("ask", int | str, direction="client", reply=Receipt)
told = app.declare("tell", list[Receipt], direction="server")
positive = app.declare("positive", Annotated[int, Field(gt=0)])
assert_type(both, BothHandle[int])
assert_type(asked, ClientHandle[int | str])
assert_type(told, ServerHandle[list[Receipt]])
assert_type(positive, BothHandle[int])
assert_type(both(5), BothPayload[int])
assert_type(told([]), ServerPayload[list[Receipt]])


@app.auth(key=lambda user: user.name)
async def authenticate(socket: Socket, credentials: Credentials) -> User:
    if not credentials.token:
        raise AuthError("No.")
    return User("ann")


@app.on(Post, raises=(Muted,), concurrent=True)
async def post(socket: Socket[User], event: Post) -> Receipt:
    assert_type(socket.user, User)
    assert_type(socket.state, dict[str, Any])
    await socket.emit(Posted(author=socket.user.name), codec="json")
    await socket.broadcast(Reaction(emoji="x"))
    await socket.emit(both(5))
    await socket.emit(told([]))
    await socket.rooms.emit("lobby", Posted(author=""))
    await socket.rooms.bulk.emit(["lobby"], both(5))
    await app.broadcast(Posted(author=""))
    await app.rooms.emit("lobby", told([]))
    await doc.emit(Posted(author=""), doc_id=7, exclude=socket)
    assert_type(doc.count(doc_id=7), int)
    return Receipt(message_id=1)


@app.on("echo", rate="5/s", burst=10, per="user", shared=True)
def echo(data: int) -> int:
    return data


@app.on(asked)
async def answer(socket: Socket[User]) -> Receipt:
    return Receipt(message_id=1)


@doc.guard
async def guard(socket: Socket[User], doc_id: UUID) -> None: ...


@lobby.on(Reaction)
async def reaction(socket: Socket[User], event: Reaction) -> Posted:
    return Posted(author=socket.user.name)


@app.middleware
async def log(socket: Socket, message: Message, call_next: CallNext) -> None:
    await call_next(message)


@app.lifecycle.upgrade
async def upgrade(handshake: Handshake) -> None: ...


@app.lifecycle.open.once
def opened(socket: Socket[User]) -> None: ...


@app.lifecycle.error
async def failed(socket: Socket | None, context: ErrorContext) -> None: ...


lobby.relay(Reaction, both, rate="100/m", per="address", shared=True)
app.lifecycle.error.remove(failed)

# Decorators give back what they decorate.
Async = Coroutine[Any, Any, None]
sure_auth: Callable[[Socket, Credentials], Coroutine[Any, Any, User]] = authenticate
sure_post: Callable[[Socket[User], Post], Coroutine[Any, Any, Receipt]] = post
sure_guard: Callable[[Socket[User], UUID], Async] = guard
sure_log: Callable[[Socket, Message, CallNext], Async] = log
sure_upgrade: Callable[[Handshake], Async] = upgrade
assert_type(echo(5), int)
assert_type(opened(Socket[User].__new__(Socket)), None)


async def use(client: TestClient) -> None:
    assert_type(await client.request(Post(text="x"), Receipt), Receipt)
    assert_type(await client.request(asked(5), Receipt, timeout=1), Receipt)
    assert_type(await client.request(Post(text="x")), Any)
    assert_type(await client.receive(Posted), Posted)
    assert_type(await client.receive(Reaction, room="lobby"), Reaction)
    assert_type(await client.receive(told), list[Receipt])
    assert_type(await client.receive(both), int)
    await client.emit(Post(text="x"), room="lobby")
    await client.emit(both(5))
    assert_type(client.closed, tuple[int, str] | None)
