"""Close frames' payloads, read and written."""

import pytest

from bytesocket_app.transports.picows.closing import ProtocolViolation, close_payload, read_close


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xed", 1002),
        (b"\x00\x00", 1002),
        (b"\x13\x88", 1002),
        (b"\x03\xe8\xff", 1007),
        (b"\x03\xe8caf\xc3", 1007),
    ],
)
def test_a_payload_that_may_not_be_sent_is_a_breach(payload: bytes, code: int) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        read_close(payload)
    assert caught.value.code == code


@pytest.mark.parametrize("close", [(1000, ""), (1005, ""), (4999, "später"), (3000, "x" * 123)])
def test_what_is_written_is_read_again(close: tuple[int, str]) -> None:
    assert read_close(close_payload(*close)) == close
