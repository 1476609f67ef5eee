"""Decoding and encoding one message, against the libraries by themselves."""

import json
from typing import Any

import msgpack
import pytest

from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS, decode
from tests.benchmarks.conftest import Side, Timed

SMALL: dict[str, Any] = {"event": "echo", "data": {"message": "hello world, this is a message"}}
LARGE: dict[str, Any] = {
    "event": "order",
    "data": {
        "lines": [
            {"item": f"item {n}", "price": n / 7, "tags": ["a", "b", "é"], "gift": n % 2 == 0}
            for n in range(40)
        ]
    },
}

sizes = pytest.mark.parametrize("message", [SMALL, LARGE], ids=["small", "large"])
codecs = pytest.mark.parametrize("codec", ["json", "binary"])


to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def plain_encode(message: Any, codec: CodecName) -> bytes:
    if codec == "json":
        return to_json(message).encode()
    return bytes(msgpack.packb(message))


def plain_decode(payload: bytes, codec: CodecName) -> Any:
    return json.loads(payload) if codec == "json" else msgpack.unpackb(payload)


def size(message: Any) -> str:
    return "small" if message is SMALL else "large"


@codecs
@sizes
def test_what_is_encoded_reads_the_same(
    side: Side, timed: Timed[bytes], message: Any, codec: CodecName
) -> None:
    encode = CODECS[codec].encode
    ways = {
        "plain Python": lambda: plain_encode(message, codec),
        "bytesocket": lambda: encode(message),
    }
    payload = timed(f"encode {codec}, {size(message)}", ways[side])
    assert plain_decode(payload, codec) == message


@codecs
@sizes
def test_what_is_decoded_is_what_was_meant(
    side: Side, timed: Timed[Any], message: Any, codec: CodecName
) -> None:
    payload = plain_encode(message, codec)
    is_binary = CODECS[codec].is_binary
    ways = {
        "plain Python": lambda: plain_decode(payload, codec),
        "bytesocket": lambda: decode(payload, is_binary),
    }
    assert timed(f"decode {codec}, {size(message)}", ways[side]) == message
