"""A Python program and a Node program, with generated clients, in one room of a real server."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node import NODE
from tests.support.server_process import DEADLINE, bytesocket, environment, serving

PYTHON = """
import sys
import anyio
from client import HelloClient, Post, Posted

async def main() -> None:
    url, codec = sys.argv[1], sys.argv[2]
    async with HelloClient(url, auth={"name": "Pythia", "session": "p"}, codec=codec) as chat:
        lobby = chat.join("lobby")
        await lobby.ready
        print("ready", flush=True)
        async for posted in lobby.events(Posted):
            answer = Post(text=f"heard {posted.text}", message_id="from-python")
            receipt = await chat.request(answer)
            print(posted.author, posted.text, receipt.message_id, flush=True)
            break

anyio.run(main, backend=sys.argv[3])
"""

NODE_PROGRAM = """
import { connect } from "./client.ts";

const [url, codec] = process.argv.slice(2);
const auth = { name: "Nodette", session: "n" };
const chat = connect(url, { auth, codec: codec as "json" | "binary" });
const lobby = chat.join("lobby");
await lobby.ready;
lobby.on("chat:posted", (posted) => {
  if (posted.author !== "Pythia") return;
  console.log(posted.author, posted.text, posted.message_id);
  chat.close();
});
const post = { text: "hello from Node", message_id: "from-node" };
const receipt = await chat.request("chat:post", post);
console.log(receipt.message_id);
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with both clients, as a user makes it."""
    place = tmp_path_factory.mktemp("two")
    assert bytesocket("new", "hello", cwd=place).returncode == 0
    folder = place / "hello"
    for command in ("generate typescript -o client.ts", "generate python -o client.py"):
        done = bytesocket(*command.split(), cwd=folder)
        assert done.returncode == 0, done.stderr
    (folder / "talk.py").write_text(PYTHON)
    (folder / "talk.ts").write_text(NODE_PROGRAM)
    return folder


@pytest.mark.parametrize(
    ("python_codec", "node_codec", "backend"),
    [
        ("json", "json", "asyncio"),
        ("binary", "binary", "trio"),
        ("json", "binary", "trio"),
        ("binary", "json", "asyncio"),
    ],
)
def test_they_talk(project: Path, python_codec: str, node_codec: str, backend: str) -> None:
    with serving("dev", "--port", "0", "--no-reload", cwd=project) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        with subprocess.Popen(
            [sys.executable, "talk.py", url, python_codec, backend],
            cwd=project,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as listener:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "ready\n"
            node = subprocess.run(
                [NODE, "--no-warnings", "talk.ts", url, node_codec],
                cwd=project,
                capture_output=True,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
            heard, _ = listener.communicate(timeout=DEADLINE)
    assert heard.split("\n")[0] == "Nodette hello from Node from-python"
    assert sorted(node.stdout.splitlines()) == [
        "Pythia heard hello from Node from-python",
        "from-node",
    ], node.stderr
