"""Headers of a request, kept as they came."""

import pytest

from bytesocket_app.transports.headers import head_size, is_token, joined, kept

RAW = [
    (b"host", b"example.org"),
    (b"cookie", b"a=1"),
    (b"X-Forwarded-For", b"one"),
    (b"cookie", b"b=2"),
    (b"x-forwarded-for", b"zw\xf6"),
]


def test_headers_are_joined_when_they_are_asked_for() -> None:
    headers = kept(RAW)
    assert headers["cookie"] == "a=1; b=2"
    assert headers["x-forwarded-for"] == "one, zwö"
    assert headers.get("origin", "none") == "none"
    assert headers.get("€") is None
    assert "Host" not in headers
    assert (list(headers), len(headers)) == (["host", "cookie", "x-forwarded-for"], 3)
    assert headers == joined(RAW) == dict(headers)
    assert repr(headers) == repr(joined(RAW))


def test_very_many_are_joined_at_once_as_looking_for_one_takes_long() -> None:
    many = [(b"x-%d" % number, b"v") for number in range(1000)]
    assert type(kept(many)) is dict
    assert kept(many) == joined(many)


def test_a_head_is_counted_as_it_came() -> None:
    assert head_size([(b"host", b"h"), (b"a", b"")], len("/ws")) == 3 + len("host: h\r\na: \r\n")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("bytesocket.json", True), ("v1!#$%&'*+-.^_`|~", True), ("", False), ("a=b", False)]
    + [(f"a{char}", False) for char in ' ,/:;<=>?@[\\]{}()"\n\xe9'],
)
def test_tokens(name: str, is_one: bool) -> None:
    assert is_token(name) is is_one
