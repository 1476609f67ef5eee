"""The AsyncAPI document under the official parser, and against what a server really says."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.asyncapi import asyncapi
from bytesocket_cli.codegen.asyncapi_schemas import safe_keys
from tests.nasty import MODULES, Cases, contract
from tests.nasty.probing import Prober, each
from tests.support import contracts, nasty
from tests.support.node import run_node
from tests.support.server_process import RudePeer, bytesocket, serving

DOCUMENTS = {
    "chat": contracts.chat(),
    "files": contracts.files(),
    "names": contracts.nasty(),
    "fields": contract("fields", MODULES["names"]).document,
    "models": nasty.document(),
    "handshake": contracts.sealed({**contracts.chat(), "auth": {"via": "handshake"}}),
}

APP = """\
from typing import Literal
from pydantic import BaseModel, Field
from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, Refusal, ServerEvent, Socket


class Credentials(BaseModel):
    token: Literal["t"]


class Post(ClientEvent, name="chat:post"):
    text: str = Field(max_length=5)
    pair: tuple[int, str] = (1, "")


class Posted(ServerEvent, name="chat:posted"):
    text: str
    pair: tuple[int, str]


class Reaction(Event, name="chat:reaction"):
    emoji: str


class Wave(ClientEvent, name="wave"):
    pass


class Wait(BaseModel):
    seconds: int


class Muted(Refusal, code="muted"):
    data: Wait


class Locked(Refusal, code="locked"):
    pass


app = ByteSocket(
    title="Talk", events=[Post, Posted, Reaction, Wave], serialization="json", version="2.0.0"
)


@app.auth
async def authenticate(socket: Socket, credentials: Credentials) -> str:
    return credentials.token


@app.on(Post, raises=(Muted,))
async def post(socket: Socket[str], event: Post) -> int:
    if event.text == "no":
        raise Muted("Wait.", data={"seconds": 3})
    await socket.emit(Posted(text=event.text, pair=event.pair))
    await doc.emit(Posted(text=event.text, pair=event.pair), number=7)
    return len(event.text)


@app.on(Wave)
async def wave(socket: Socket[str], event: Wave) -> None:
    pass


doc = app.room("doc:{number}")


@doc.guard(raises=(Locked,))
async def may_open(socket: Socket[str], number: int) -> None:
    if number == 13:
        raise Locked("Locked.")


doc.relay(Reaction)
"""

Frame = tuple[str, str, Any]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its AsyncAPI document, and `frames.json` of a conversation with it."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "app.py").write_text(APP)
    done = bytesocket("generate", "asyncapi", "-o", "asyncapi.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    with serving("dev", "--port", "0", "--no-reload", cwd=folder) as server:
        frames = converse(server.port)
    (folder / "frames.json").write_text(json.dumps(frames))
    return folder


def converse(port: int) -> list[Frame]:
    """Say something of every kind; return each frame with the operation that describes it."""
    frames: list[Frame] = []

    def send(peer: RudePeer, operation: str, frame: dict[str, Any]) -> None:
        frames.append((operation, "sent", frame))
        peer.send(frame)

    def hear(peer: RudePeer, operation: str, way: str = "answered") -> None:
        _, payload = peer.receive()
        frames.append((operation, way, json.loads(payload)))

    def login() -> RudePeer:
        peer = RudePeer(port)
        send(peer, "protocol-auth", {"type": 4, "data": {"token": "t"}})
        hear(peer, "protocol-auth")
        send(peer, "join-doc..number.", {"type": 9, "room": "doc:7"})
        hear(peer, "join-doc..number.")
        return peer

    stranger = RudePeer(port)
    stranger.send({"type": 4, "data": {"token": "wrong"}})
    hear(stranger, "protocol-auth")
    ann, bob = login(), login()
    room, post = "receive-doc..number.-chat.reaction", "receive-chat.post"
    send(ann, room, {"room": "doc:7", "event": "chat:reaction", "data": {"emoji": "+"}, "id": 1})
    hear(bob, "send-doc..number.-events", "sent")
    hear(ann, room)
    send(ann, post, {"event": "chat:post", "data": {"text": "hi", "pair": [1, "x"]}, "id": "a"})
    for operation, way in (
        ("send-chat.posted", "sent"),
        ("send-doc..number.-events", "sent"),
        (post, "answered"),
    ):
        hear(ann, operation, way)
    send(ann, post, {"event": "chat:post", "data": {"text": "no"}, "id": 2})
    hear(ann, post)
    ann.send({"event": "chat:post", "data": {"text": "far too long"}, "id": 3})
    hear(ann, post)
    ann.send({"event": "chat:post", "data": {}})
    hear(ann, "protocol-error", "sent")
    send(ann, "receive-wave", {"event": "wave"})
    send(ann, "join-doc..number.", {"type": 9, "room": "doc:13"})
    hear(ann, "join-doc..number.")
    send(ann, "protocol-join_rooms", {"type": 15, "rooms": ["doc:1", "doc:2"]})
    hear(ann, "protocol-join_rooms")
    send(ann, "leave-doc..number.", {"type": 12, "room": "doc:7"})
    hear(ann, "leave-doc..number.")
    for peer in (stranger, ann, bob):
        peer.close()
    return frames


@pytest.fixture(scope="module")
def said(node_packages: Path, talk: Path) -> list[Any]:
    """What the parser says of each document and, last, each frame; it takes long to start."""
    for name, document in DOCUMENTS.items():
        (talk / name).write_text(asyncapi(document), encoding="utf-8")
    files = [*DOCUMENTS, "asyncapi.json", "--frames", "frames.json"]
    paths = [name if name.startswith("--") else talk / name for name in files]
    result = run_node(node_packages / "asyncapi.mjs", *paths, cwd=node_packages)
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("at", range(len(DOCUMENTS) + 1), ids=[*DOCUMENTS, "talk"])
def test_the_official_parser_has_no_complaint(said: list[Any], at: int) -> None:
    assert said[at]["parsed"], said[at]["findings"][:3]
    # 3.0.0 is what we promise to write; that there is a 3.1.0 by now is no complaint.
    assert [one["code"] for one in said[at]["findings"]] == ["asyncapi-latest-version"]


def test_every_frame_fits_the_one_message_that_describes_it(said: list[Any]) -> None:
    assert said[len(DOCUMENTS) + 1 :] == [
        ["auth error"],
        *[["auth"], ["auth success"], ["join room"], ["join room success"]] * 2,
        ["chat:reaction"],
        ["chat:reaction"],
        ["reply to chat:reaction"],
        ["chat:post"],
        ["chat:posted"],
        ["chat:posted"],
        ["reply to chat:post"],
        ["chat:post"],
        ["refusal of chat:post"],
        ["refusal of chat:post"],
        ["error"],
        ["wave"],
        ["join room"],
        ["join room error"],
        ["join rooms"],
        ["join rooms success"],
        ["leave room"],
        ["leave room success"],
    ]


NAMELESS = ("names", "__proto__-to_server")


def is_json(value: Any) -> bool:
    """Whether JSON has this payload as a client has it: no bytes, no number without an end."""
    return not any(
        isinstance(one, bytes) or (isinstance(one, float) and not math.isfinite(one))
        for _, one in each(value)
    )


def checks(document: str, cases: Cases) -> Iterator[tuple[str, str, Any, bool]]:
    """Yield payloads with the message whose schema they must fit, or must not."""
    keys = safe_keys(cases)
    for name, case in cases.items():
        prober = Prober(case)
        if case.direction != "server":
            message = f"{keys[name]}-to_server"
            yield from ((document, message, good, True) for good in case.good)
            yield from ((document, message, *lacking) for lacking in prober.shortened())
            yield from ((document, message, bad, False) for bad in case.bad)
            yield from ((document, message, bad, False) for _, bad in prober.altered())
        if case.direction != "client":
            message = f"{keys[name]}-to_client"
            yield from ((document, message, sent, True) for _, sent in prober.sent())


def test_nasty_payloads_fit_their_schemas_and_bad_ones_do_not(
    node_packages: Path, tmp_path: Path
) -> None:
    found: list[tuple[str, str, Any, bool]] = []
    for name, cases in MODULES.items():
        (tmp_path / name).write_text(asyncapi(contract(name, cases).document), encoding="utf-8")
        found += [check for check in checks(name, cases) if is_json(check[2])]
    (tmp_path / "checks.json").write_text(json.dumps(found), encoding="utf-8")
    script = node_packages / "payloads.mjs"
    result = run_node(script, tmp_path, tmp_path / "checks.json", cwd=node_packages)
    assert result.stderr == ""
    otherwise = [json.loads(line) for line in result.stdout.split("\n") if line]
    # Ajv misses no property whose name is empty, though the schema demands it.
    assert [one for one in otherwise if one[:2] != list(NAMELESS) or "" in one[2]] == []
    assert len(found) > 2_000
