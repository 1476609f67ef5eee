"""What checkers refuse of a generated client: each line marked `# wrong`, and no other."""

from pathlib import Path

import pytest

from tests.support import checkers

PROGRAM = """
from tests.support.generated_chat import *

async def main() -> None:
    ChatClient("ws://h")  # wrong: auth is required
    ChatClient("ws://h", auth="token")  # wrong
    ChatClient("ws://h", auth=lambda: "token")  # wrong
    chat = ChatClient("ws://h", auth=Credentials(token="t"))
    await chat.emit(Posted(author="a", text="b"))  # wrong: the server's event
    await chat.emit(Move(x=1, y=2))  # wrong: only in a room
    await chat.emit("chat:post", {})  # wrong
    await chat.request(Save())  # wrong: only in a room
    await chat.request(Move(x=1, y=2))  # wrong: no reply
    Post(txt="x")  # wrong
    Post(text=5)  # wrong
    Echo(5)  # wrong

    @chat.on(Post)  # wrong: a client's event
    async def first(event: Post) -> None: ...

    @chat.on(Posted)  # wrong: the handler takes another
    async def second(event: Moved) -> None: ...

    async def third(event: Moved) -> None: ...

    chat.on(Posted, third)  # wrong
    chat.join("nowhere")  # wrong
    chat.join("user-feed")  # wrong: only the server lets in
    chat.join("doc:{doc_id}")  # wrong
    chat.join("doc:{doc_id}", doc_id="seven")  # wrong
    chat.join("lobby", doc_id=7)  # wrong
    lobby = chat.join("lobby")
    await lobby.emit(Post(text="x"))  # wrong: not in this room
    lobby.request(Save())  # wrong: the room has no requests
    receipt: str = await chat.request(Post(text="x"))  # wrong
"""


@pytest.mark.parametrize("checker", [checkers.mypy, checkers.pyright])
def test_a_checker_refuses_what_is_wrong_and_nothing_else(
    checker: checkers.Checker, tmp_path: Path
) -> None:
    lines, output = checkers.check(checker, PROGRAM, tmp_path)
    assert lines == checkers.marked(PROGRAM), output
