"""One program on every runtime that is promised, against one real server.

Chromium is in `test_chat_page.py`. Node 24 comes with the wheel, the others from npm.
"""

import json
import os
import platform
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.node import DEADLINE, HERE, NODE
from tests.support.server_process import bytesocket, serving

APP = """\
from pydantic import BaseModel
from bytesocket_app import AuthError, ByteSocket, ClientEvent, Refusal, ServerEvent, Socket


class Credentials(BaseModel):
    name: str


class Post(ClientEvent, name="post"):
    text: str


class Posted(ServerEvent, name="posted"):
    author: str
    text: str


class Restart(ClientEvent, name="restart"):
    pass


class Goodbye(ClientEvent, name="goodbye"):
    pass


class Wait(Refusal, code="wait"):
    pass


app = ByteSocket(title="Scenario", events=[Post, Posted, Restart, Goodbye])
lobby = app.room("lobby:{number}")


@app.auth
async def authenticate(credentials: Credentials) -> str:
    if not credentials.name:
        raise AuthError("A name, please.")
    return credentials.name


@app.on(Post, raises=(Wait,))
async def post(socket: Socket[str], event: Post) -> int:
    if event.text == "too soon":
        raise Wait("Not yet.", data={"seconds": 3})
    await lobby.emit(Posted(author=socket.user, text=event.text), number=7)
    return len(event.text)


@app.on(Restart)
async def restart(socket: Socket[str], event: Restart) -> None:
    await socket.close(1012, "restart")


@app.on(Goodbye)
async def goodbye(socket: Socket[str], event: Goodbye) -> None:
    await socket.close(final=True)
"""

PROGRAM = """\
const tell = (...values) => console.log(JSON.stringify(values));
const url = process.argv.at(-1);
for (const codec of ["json", "binary"]) {
  const states = [];
  let failed = "";
  const options = { ...given, codec, reconnect: { min: 5, max: 20 } };
  const stranger = connect(url, { ...options, auth: { name: "" } });
  stranger.onError(() => {}); // instead of the console
  await stranger.ready.catch((error) => (failed = error.code));
  stranger.close();

  const chat = connect(url, { ...options, auth: async () => ({ name: "Ann" }) });
  chat.onState((state) => states.push(state));
  const lobby = chat.join("lobby:{number}", { number: 7 });
  await lobby.ready;
  const heard = [];
  lobby.on("posted", (posted) => heard.push(posted));
  const count = await chat.request("post", { text: "grüße" });
  const refused = await chat.request("post", { text: "too soon" }).catch((error) => error);
  const back = new Promise((resolve) => {
    const off = chat.onState((state) => state === "open" && (off(), resolve()));
  });
  chat.emit("restart");
  await back;
  await chat.request("post", { text: "again" });
  while (heard.length < 2) await new Promise((resolve) => lobby.once("posted", resolve));
  chat.close();
  tell(codec, failed, count, refused.code, refused.data, heard, states);

  const guest = connect(url, { ...options, auth: { name: "Bob" } });
  guest.onError(() => {});
  await guest.ready;
  const closed = new Promise((resolve) =>
    guest.onState((...change) => change[0] === "closed" && resolve(change)));
  guest.emit("goodbye");
  tell(await closed, guest.ended.code, guest.ended.closeCode, guest.ended.closeReason);
}
"""

FOR_GOOD = [
    ["closed", {"code": 4400, "reason": "closed for good"}],
    "disconnected",
    4400,
    "closed for good",
]
EXPECTED = [
    told
    for codec in ("json", "binary")
    for told in (
        [
            codec,
            "unauthorized",
            5,
            "wait",
            {"seconds": 3},
            [{"author": "Ann", "text": "grüße"}, {"author": "Ann", "text": "again"}],
            ["open", "waiting", "connecting", "open", "closed"],
        ],
        FOR_GOOD,
    )
]

MODULES = HERE / "node_modules"
MACHINE = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}[
    platform.machine()
]


@dataclass(frozen=True)
class Runtime:
    """How a runtime is started, and with which program."""

    command: Sequence[str]
    program: str = "scenario.ts"


RUNTIMES = {
    "node-20": Runtime([f"{MODULES}/node-20-linux-{MACHINE}/bin/node"], "scenario.mjs"),
    "node-22": Runtime([f"{MODULES}/node-22-linux-{MACHINE}/bin/node", "--no-warnings"]),
    "node-24": Runtime([NODE]),
    "deno": Runtime(
        [
            f"{MODULES}/@deno/linux-{MACHINE}-glibc/deno",
            *("run", "--quiet", "--no-config", "--no-lock", "--cached-only", "--allow-net"),
        ]
    ),
    "bun": Runtime(
        [
            f"{MODULES}/@oven/bun-linux-{MACHINE.replace('arm64', 'aarch64')}/bin/bun",
            *("run", "--no-install"),
        ]
    ),
}


@dataclass(frozen=True)
class Place:
    """A server's URL, and a folder with the clients and the program for each runtime."""

    url: str
    folder: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    folder = tmp_path_factory.mktemp("scenario")
    (folder / "app.py").write_text(APP)
    for arguments in ("typescript -o client.ts", "javascript -o client.js"):
        done = bytesocket("generate", *arguments.split(), cwd=folder)
        assert done.returncode == 0, done.stderr
    (folder / "package.json").write_text('{"type": "module"}')
    typescript = 'import { connect } from "./client.ts";\nconst given = {};\n'
    (folder / "scenario.ts").write_text("// @ts-nocheck\n" + typescript + PROGRAM)
    javascript = (
        'import { connect } from "./client.js";\n'
        f'import WebSocket from "{MODULES}/ws/wrapper.mjs";\n'
        "const given = { WebSocket };\n"
    )
    (folder / "scenario.mjs").write_text(javascript + PROGRAM)
    with serving("dev", "--port", "0", "--no-reload", cwd=folder) as server:
        yield Place(f"ws://127.0.0.1:{server.port}/ws", folder)


def run(runtime: Runtime, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "BUN_RUNTIME_TRANSPILER_CACHE_PATH": "0",
        "DENO_DIR": str(folder / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "DO_NOT_TRACK": "1",
    }
    return subprocess.run(
        [*runtime.command, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * DEADLINE,
        check=False,
    )


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_client_does_all_of_it(node_packages: Path, place: Place, name: str) -> None:
    runtime = RUNTIMES[name]
    done = run(runtime, runtime.program, place.url, folder=place.folder)
    assert done.stderr == ""
    assert [json.loads(line) for line in done.stdout.splitlines()] == EXPECTED
    assert done.returncode == 0


def test_without_a_websocket_the_error_says_what_to_give(node_packages: Path, place: Place) -> None:
    program = 'import { connect } from "./client.js"; connect("ws://x", { auth: { name: "" } });'
    node = RUNTIMES["node-20"]
    done = run(node, "--input-type=module", "-e", program, folder=place.folder)
    assert done.returncode != 0
    assert "(Node has one since 22): connect(url, { WebSocket })" in done.stderr
