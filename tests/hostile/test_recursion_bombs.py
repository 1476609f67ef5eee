"""A small message, deep in a union inside of itself, costs its sender a refusal."""

import json
from collections.abc import Callable, Generator
from typing import Any

import msgpack
import pytest

from bytesocket_app.types import CodecName
from tests.support.hostile import Target, bystanders, target
from tests.support.raw_peer import BINARY, TEXT, frame
from tests.support.recursion_app import choice, layout

pytestmark = pytest.mark.slow

SERVERS = ("uvicorn", "picows")
CODECS: tuple[CodecName, ...] = ("json", "binary")
LEVELS = 58
"""Of payloads; `Limits.depth` is 64, and the envelope has some."""


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server."""
    with target(request.param, "tests.support.recursion_app:app") as served:
        yield served


def in_codec(message: dict[str, Any], codec: CodecName) -> bytes:
    """The message as a frame."""
    if codec == "json":
        return frame(TEXT, json.dumps(message).encode())
    return frame(BINARY, msgpack.packb(message))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("place", "event", "make"),
    [
        ({}, "layout", layout),
        ({}, "choice", choice),
        ({"room": "layouts"}, "layout", layout),
    ],
)
def test_a_recursion_bomb_is_refused_and_nobody_waits(
    served: Target,
    place: dict[str, str],
    event: str,
    make: Callable[[int], Any],
    codec: CodecName,
) -> None:
    with bystanders(served), served.upgraded() as peer:
        if place:
            peer.say(type=9, **place)
            assert peer.hear()["type"] == 10
        message = {**place, "event": event}
        peer.send(in_codec({**message, "id": 1, "data": make(6)}, codec))
        answer = peer.hear()
        assert answer["id"] == 1
        assert "error" not in json.dumps(answer)
        peer.send(in_codec({**message, "id": 2, "data": make(LEVELS)}, codec))
        answer = peer.hear()
        assert answer["id"] == 2
        assert answer["data"]["error"]["code"] == "validation"
        [problem] = answer["data"]["details"]
        assert problem["type"] == "union_nesting"
        assert 'Field(discriminator="kind")' in problem["msg"]
        assert peer.request("echo", {"text": "still here"}) == "still here"
    assert served.errors() == []


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("server", SERVERS)
def test_credentials_that_are_a_recursion_bomb_are_refused(server: str, codec: CodecName) -> None:
    with target(server, "tests.support.recursion_app:authenticated") as served:
        login = {"type": 4, "data": choice(3)}
        with served.upgraded() as healthy, served.upgraded() as peer:
            healthy.send(in_codec(login, codec))
            assert healthy.hear() == {"type": 5}
            peer.send(in_codec({"type": 4, "data": choice(LEVELS)}, codec))
            refused = peer.hear()
            assert refused["type"] == 6
            assert "nested too deep for a union" in json.dumps(refused)
            assert healthy.request("echo", {"text": "after"}) == "after"
        assert served.errors() == []
