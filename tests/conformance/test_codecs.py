"""Both codecs, and a faulty one, under the public suite."""

from collections.abc import Mapping

import pytest

from bytesocket_app.testing.conformance import check_codec
from bytesocket_app.types import CodecName
from bytesocket_app.wire import BINARY, JSON, Codec

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("codec", [JSON, BINARY], ids=lambda codec: codec.name)
async def test_a_codec_of_ours_passes(codec: Codec) -> None:
    await check_codec(codec)


class Truncated:
    """A codec that forgets the last byte of long messages."""

    name: CodecName = "binary"
    is_binary = True

    def envelope(self, message: Mapping[str, object]) -> tuple[bytes, ...]:
        return BINARY.envelope(message)

    def encode(self, message: object) -> bytes:
        payload = BINARY.encode(message)
        return payload[:-1] if len(payload) > 100 else payload


async def test_a_faulty_codec_fails() -> None:
    with pytest.raises(Exception, match=r"."):
        await check_codec(Truncated())
