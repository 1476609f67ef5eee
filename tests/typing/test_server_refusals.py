"""What checkers refuse of an application: each line marked `# wrong`, and no other."""

from pathlib import Path

import pytest

from tests.support import checkers

PROGRAM = """
from bytesocket_app import ByteSocket, CallNext, Message, Socket
from bytesocket_app.testing import TestClient
from tests.typing.server import Muted, Post, Posted, Receipt, User, app, asked, both, lobby, told

async def main(socket: Socket[User], client: TestClient) -> None:
    await socket.emit(Post(text="x"))  # wrong: clients send it
    await socket.emit(asked(5))  # wrong: clients send it
    await socket.emit({"event": "x"})  # wrong: no event
    await socket.emit(Posted)  # wrong: a class
    await socket.emit(Posted(author="a"), codec="msgpack")  # wrong
    await socket.broadcast(Post(text="x"))  # wrong
    await socket.rooms.emit("lobby", Post(text="x"))  # wrong
    await app.broadcast(Post(text="x"))  # wrong
    await app.rooms.emit("lobby", Post(text="x"))  # wrong
    await lobby.emit(Post(text="x"))  # wrong
    await client.emit(Posted(author="a"))  # wrong: the server sends it
    await client.emit(told([]))  # wrong
    await client.receive(Post)  # wrong: clients send it
    await client.receive(asked)  # wrong
    receipt: str = await client.request(Post(text="x"), Receipt)  # wrong
    Posted(autor="a")  # wrong
    Posted(author=5)  # wrong
    both("five")  # wrong
    told([5])  # wrong
    socket.user.nme  # wrong
    socket.usr  # wrong

async def handler() -> None: ...

def plain(socket: Socket, message: Message, call_next: CallNext) -> None: ...

app.on(Posted)  # wrong: the server sends it
app.on(told)  # wrong
app.on(Post, raises=(ValueError,))  # wrong
app.on(Post, raises=Muted)  # wrong
app.on(Post, rate=5)  # wrong: a text
app.on(Post, rate="5/s", per="sokcet")  # wrong
app.on(Post, rate="5/s", per="user", shared="yes")  # wrong
lobby.on(Posted)  # wrong
lobby.relay(Post)  # wrong: only clients send it
lobby.relay(asked)  # wrong
app.middleware(plain)  # wrong: cannot await
app.middleware(handler)  # wrong
app.room("x", join="sever")  # wrong
app.declare("x", int, direction="up")  # wrong
app.lifecycle.opened(handler)  # wrong
app.lifecycle.open(5)  # wrong
ByteSocket("Chat")  # wrong: by keyword
ByteSocket(title="Chat", origin=["*"])  # wrong
ByteSocket(title="Chat", serialization="msgpack")  # wrong
ByteSocket(title="Chat", events=[5])  # wrong
"""


@pytest.mark.parametrize("checker", [checkers.mypy, checkers.pyright])
def test_a_checker_refuses_what_is_wrong_and_nothing_else(
    checker: checkers.Checker, tmp_path: Path
) -> None:
    lines, output = checkers.check(checker, PROGRAM, tmp_path)
    assert lines == checkers.marked(PROGRAM), output


@pytest.mark.parametrize("checker", [checkers.mypy, checkers.pyright])
def test_a_checker_takes_what_is_right(checker: checkers.Checker, tmp_path: Path) -> None:
    program = Path(__file__).with_name("server.py").read_text("utf-8")
    lines, output = checkers.check(checker, program, tmp_path)
    assert not lines, output
