"""What checkers refuse of a generated client: each line marked `# wrong`, and no other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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
WRONG = {i for i, line in enumerate(PROGRAM.splitlines(), 1) if "# wrong" in line}


def run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
    ).stdout


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_mypy_refuses_what_is_wrong_and_nothing_else(program: Path) -> None:
    output = run("mypy", "--strict", "--disable-error-code=unused-awaitable", str(program))
    lines = {int(line) for line in re.findall(r"program\.py:(\d+): error", output)}
    assert lines == WRONG, output


def test_pyright_refuses_what_is_wrong_and_nothing_else(program: Path) -> None:
    config = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": [program.name]}
    program.with_name("pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    output = run(
        "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(program.parent)
    )
    found = json.loads(output)["generalDiagnostics"]
    lines = {
        one["range"]["start"]["line"] + 1
        for one in found
        if one["severity"] == "error" and not one["rule"].startswith("reportUnused")
    }
    assert lines == WRONG, output
