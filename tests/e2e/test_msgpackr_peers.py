"""Both directions with peers that use the TypeScript packages' own MessagePack library.

`@bytesocket/client` and `@bytesocket/node` themselves cannot be installed from every registry;
`tests/node/peers.mjs` speaks as they do, with msgpackr configured as they configure it.
"""

from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from bytesocket_app.client import (
    AuthError,
    ClientEvent,
    ClientSettings,
    ClientState,
    DynamicClient,
    Event,
    ServerEvent,
)
from tests.support.node import HERE, Script
from tests.support.server_process import serving

APP = """\
from typing import Any
from pydantic import BaseModel, ConfigDict
from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, ServerEvent, Socket


class Credentials(BaseModel):
    token: str


BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Echo(ClientEvent, name="echo"):
    model_config = BASE64

    value: Any
    raw: bytes = b""


class Echoed(ServerEvent, name="echoed"):
    model_config = BASE64

    value: Any
    raw: bytes


class Reaction(Event, name="reaction"):
    emoji: str


class Digits(ClientEvent, name="digits"):
    number: int


class Text(ServerEvent, name="text"):
    text: str


app = ByteSocket(title="Peers", events=[Echo, Echoed, Reaction, Digits, Text])
app.room("doc:{number}").relay(Reaction)


@app.auth
async def authenticate(credentials: Credentials) -> str:
    if credentials.token != "t":
        raise AuthError("Who are you?")
    return credentials.token


@app.on(Echo)
async def echo(socket: Socket[str], event: Echo) -> None:
    await socket.emit(Echoed(value=event.value, raw=event.raw))


@app.on(Digits)
async def digits(socket: Socket[str], event: Digits) -> None:
    await socket.emit(Text(text=str(event.number)))
"""

# Values at the edges of the dialect. Not 64 to 72: of a TypeScript peer's own frames those are
# read by nobody but us (protocol.md, Q1), and what we send of them is in `sent_to_it`.
PROGRAM = """\
import { isDeepStrictEqual } from "node:util";
import { dial } from "PEERS";

const ann = await dial(URL);
ann.send({ type: 4, data: { token: "t" } });
tell(await ann.next());
ann.ping();
tell(await ann.next());
const values = [
  0, 63, 64, 72, 73, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1,
  -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1,
  0.1, 1.5, -2.25, 3.14159, 1e-7, 1e300, 12345.678,
  "", "abc", "abcd", "x".repeat(64), "y".repeat(72), "ä".repeat(40), "👍🏽 grüße", "z".repeat(5000),
  Array.from({ length: 40 }, (_, at) => "part " + at + " ü".repeat(at * 30)),
  null, true, false, [], {}, [[[]]], { a: { b: [{ c: "deep" }] }, 64: "key", "key of text": 1 },
];
for (const value of values) {
  ann.send({ event: "echo", data: { value, raw: new Uint8Array([0, 64, 255]) } });
  const { event, data, isBinary } = await ann.next();
  const raw = [...data.raw];
  const isSame = isDeepStrictEqual(data.value, value);
  if (event !== "echoed" || !isBinary || !isSame || raw.join() !== "0,64,255") tell([value, data]);
}
const bob = await dial(URL);
bob.send({ type: 4, data: { token: "t" } });
await bob.next();
for (const peer of [ann, bob]) {
  peer.send({ type: 9, room: "doc:64" });
  tell(await peer.next());
}
ann.send({ room: "doc:64", event: "reaction", data: { emoji: "👍🏽" } });
tell(await bob.next());
ann.send({ event: "echo", data: {} });
const refused = await ann.next();
tell([refused.type, refused.data.phase, refused.data.details[0].loc]);
const eve = await dial(URL);
eve.send({ type: 4, data: { token: "x" } });
const stranger = await eve.next();
tell([stranger.type, stranger.data.code]);
ann.close();
bob.close();
"""


def test_a_typescript_client_s_frames_are_understood_and_answered(
    node_packages: Path, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    with serving("dev", "--port", "0", "--no-reload", cwd=tmp_path) as server:
        url = f'"ws://127.0.0.1:{server.port}/ws"'
        source = PROGRAM.replace("PEERS", str(HERE / "peers.mjs")).replace("URL", url)
        with Script(tmp_path, source) as script:
            told = script.result()
    assert told == [
        {"type": 5, "isBinary": True},
        None,
        {"type": 10, "room": "doc:64", "isBinary": True},
        {"type": 10, "room": "doc:64", "isBinary": True},
        {"room": "doc:64", "event": "reaction", "data": {"emoji": "👍🏽"}, "isBinary": True},
        [3, "validation", ["value"]],
        [6, 4003],
    ]


OPTIONS = """\
import { isDeepStrictEqual } from "node:util";
import { dial } from "PEERS";

const ann = await dial(URL, OPTIONS);
ann.send({ type: 4, data: { token: "t" } });
await ann.next();
const values = [
  [new Set(["one of it", [new Set()]]), ["one of it", [[]]]],
  [new TypeError("grüße", { cause: 5 }), ["TypeError", "grüße", 5]],
  [/(a+)+$/gi, ["(a+)+$", "gi"]],
  [new Float32Array([0.5, -1]), [0.5, -1]],
  [new Int16Array([-300, 300]), [-300, 300]],
  [new BigUint64Array([7n]), [7]],
  [{ deep: [new Set([1.5])], text: "behind it" }, { deep: [[1.5]], text: "behind it" }],
];
for (const [value, expected] of values) {
  ann.send({ event: "echo", data: { value, raw: new Uint8Array([0, 64, 255]) } });
  const { data } = await ann.next();
  const isSame = isDeepStrictEqual(data.value, expected) && [...data.raw].join() === "0,64,255";
  if (!isSame) tell([String(value), data]);
}
for (const number of [2n ** 64n, -(2n ** 63n) - 1n, 2n ** 8000n]) {
  ann.send({ event: "digits", data: { number } });
  tell((await ann.next()).data.text === String(number));
}
ann.close();
"""


def test_a_typescript_client_with_more_types_and_big_integers_is_understood(
    node_packages: Path, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    with serving("dev", "--port", "0", "--no-reload", cwd=tmp_path) as server:
        url = f'"ws://127.0.0.1:{server.port}/ws"'
        source = OPTIONS.replace("PEERS", str(HERE / "peers.mjs")).replace("URL", url)
        with Script(tmp_path, source.replace("OPTIONS", "{ moreTypes: true }")) as script:
            told = script.result()
    assert told == [True, True, True]


class Echo(ClientEvent, name="echo"):
    value: Any


class Echoed(ServerEvent, name="echoed"):
    value: Any


class Reaction(Event, name="reaction"):
    emoji: str


class Cut(ClientEvent, name="cut"):
    pass


VALUES: list[Any] = [
    *(0, 63, 64, 72, 73, 127, 128, 2**32 - 1, 2**32, 2**53 - 1, -1, -(2**31) - 1, 0.1, 1.5, 1e300),
    *("", "abcd", "x" * 64, "y" * 72, "👍🏽 grüße", "ü" * 5000, None, True, [], {}),
    {"64": [{"deep": "👍🏽" * 70}], "text": "x" * 200},
    [f"part {number} {'ü' * number}" for number in range(300)],
]
FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05)


@pytest.mark.anyio
async def test_our_client_talks_to_a_typescript_server_and_comes_back(
    node_packages: Path, tmp_path: Path
) -> None:
    source = f'import {{ serve }} from "{HERE / "peers.mjs"}"; serve("t", tell);'
    with Script(tmp_path, source) as script:
        await to_thread.run_sync(script.wait_for, bool)
        url = f"ws://127.0.0.1:{script.told[0]['port']}/ws"
        with anyio.fail_after(30):
            await converse(url)
            joins = [one for one in script.told if one.get("type") == 9]
            assert joins == [{"type": 9, "room": "doc:64"}] * 3  # bob's, and ann's twice
            with pytest.raises(AuthError):
                async with DynamicClient(url, auth={"token": "x"}, codec="binary") as eve:
                    await eve.ready


async def converse(url: str) -> None:
    options: dict[str, Any] = {"auth": {"token": "t"}, "codec": "binary", "settings": FAST}
    async with DynamicClient(url, **options) as ann, DynamicClient(url, **options) as bob:
        echoed = ann.events(Echoed)
        for value in VALUES:
            await ann.emit(Echo(value=value))
            assert (await anext(echoed)).value == value
        rooms = [client.join("doc:{number}", number=64) for client in (bob, ann)]
        for room in rooms:
            await room.ready
        heard = rooms[1].events(Reaction)
        await rooms[0].emit(Reaction(emoji="👍🏽"))
        assert (await anext(heard)).emoji == "👍🏽"
        lost = anyio.Event()

        @ann.on_state
        def note(state: ClientState) -> None:
            if state == "waiting":
                lost.set()

        await ann.emit(Cut())
        await lost.wait()
        await rooms[1].ready
        await rooms[0].emit(Reaction(emoji="again"))
        assert (await anext(heard)).emoji == "again"
