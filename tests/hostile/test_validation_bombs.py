"""A payload that is wrong in a hundred thousand places costs no more than a right one."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from bytesocket_app.types import CodecName
from tests.support.hostile import Attacker, Target, bystanders, target
from tests.support.hostile_app import SERVERS
from tests.support.memory import Peak
from tests.support.payload_bombs import BOMBS, in_codec
from tests.support.raw_peer import BINARY, CLOSE, TEXT, frame
from tests.support.server_process import ROOT, environment

pytestmark = pytest.mark.slow

CODECS: tuple[CodecName, ...] = ("json", "binary")
SERVER_BUFFERS = 16
"""MiB for a server's own copies of a message of 1 MiB, and for what its memory is scattered by."""


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server."""
    with target(request.param, "tests.support.payload_bombs:app") as served:
        yield served


def throw(served: Target, name: str, codec: CodecName) -> None:
    """Send a bomb as a request; it is refused with few words, or closed with 1008."""
    event, text = BOMBS[name]
    if codec == "json":
        sent = frame(TEXT, f'{{"id":1,"event":"{event}","data":{text}}}'.encode())
    else:
        head = b"\x83\xa2id\x01\xa5event" + bytes([0xA0 + len(event)]) + event.encode()
        sent = frame(BINARY, head + b"\xa4data" + in_codec(text, codec))
    with served.upgraded() as peer:
        peer.send(sent)
        answer = answered(peer)
        if isinstance(answer, int):
            assert answer == 1008
            return
        assert answer["data"]["error"]["code"] == "validation"
        assert 1 <= len(answer["data"]["details"]) <= 16
        assert len(json.dumps(answer)) < 64 * 1024


def answered(peer: Attacker) -> Any:
    """The answer, or the code of a close."""
    opcode, payload = peer.receive()
    if opcode == CLOSE:
        return int.from_bytes(payload[:2])
    return json.loads(payload)


@pytest.mark.parametrize("name", BOMBS)
def test_a_validation_bomb_is_refused_and_nobody_waits(served: Target, name: str) -> None:
    with bystanders(served):
        for codec in CODECS:
            throw(served, name, codec)
    assert served.errors() == []


def test_bombs_one_after_the_other_do_not_grow_the_server(served: Target) -> None:
    def all_of_them() -> None:
        for name in BOMBS:
            for codec in CODECS:
                throw(served, name, codec)

    all_of_them()  # validators are made, and the allocator has what it keeps
    peak = Peak(served.pid)
    all_of_them()
    assert peak.grown() <= 16 + SERVER_BUFFERS


def test_a_connection_does_not_keep_its_last_message_as_objects(served: Target) -> None:
    event, text = BOMBS["unknown members of a closed model"]
    sent = frame(TEXT, f'{{"id":1,"event":"{event}","data":{text}}}'.encode())
    with ExitStack() as stack:
        peers = [stack.enter_context(served.upgraded()) for _ in range(12)]
        before = served.report()["kilobytes"]
        for peer in peers:
            peer.send(sent)
            assert answered(peer)["id"] == 1
        grown = (served.report()["kilobytes"] - before) / 1024
        # As text it is 1 MiB, as objects 12.
        assert grown <= len(peers) * 3 + SERVER_BUFFERS


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_validation_bomb_takes_16_mebibytes_at_most(name: str, codec: CodecName) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.payload_bombs", name, codec],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cost = json.loads(done.stdout)
    assert cost["peak"] <= 16, cost
    assert cost["problems"] <= 100, cost
    assert cost["told"] < 64 * 1024, cost
