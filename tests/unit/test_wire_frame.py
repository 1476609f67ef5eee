"""A frame knows its size and kind, and is decoded to text at most once."""

from bytesocket_app.wire.frame import PONG, Frame


def test_a_frame_knows_its_size_and_kind() -> None:
    frame = Frame("ü".encode(), is_binary=False)
    assert (frame.size, frame.is_binary, frame.slot) == (2, False, None)
    assert Frame(b"", is_binary=True, slot="cursor").slot == "cursor"


def test_text_is_decoded_once_for_all_members() -> None:
    frame = Frame("ü".encode(), is_binary=False)
    assert frame.text == "ü"
    assert frame.text is frame.text


def test_a_pong_is_an_empty_binary_frame() -> None:
    assert (PONG.payload, PONG.is_binary, PONG.size) == (b"", True, 0)
