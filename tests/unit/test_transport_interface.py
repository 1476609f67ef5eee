"""Classes that are to be transports: what is refused, and where; the base class's own part."""

import warnings
from collections.abc import Collection
from typing import Any

import pytest
from anyio import create_task_group
from typing_extensions import override

from bytesocket_app import ByteSocket
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.transports import (
    Acceptance,
    Handshake,
    QueuedTransport,
    Transport,
)
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.wire.frame import Frame

FRAME = Frame(b"{}", is_binary=False)


def defined(base: type, members: Collection[str], **keywords: Any) -> type:
    """A class derived from `base` that has these members."""

    def nothing(*_: object) -> int:
        return 0

    body: dict[str, Any] = dict.fromkeys(members, nothing)
    body["__module__"] = __name__
    return type(base)("Incomplete", (base,), body, **keywords)


def mandatory(base: Any) -> list[str]:
    return list(base.MANDATORY)


CASES = [(base, name) for base in (Transport, QueuedTransport) for name in mandatory(base)]


def test_what_is_mandatory_is_small() -> None:
    assert mandatory(Transport) == ["buffered", "write", "drop_oldest", "close", "abort", "resume"]
    assert mandatory(QueuedTransport) == ["send", "send_close", "abort"]


@pytest.mark.parametrize("base", [Transport, QueuedTransport])
def test_what_is_mandatory_is_what_is_abstract(base: Any) -> None:
    assert set(mandatory(base)) == base.__abstractmethods__


@pytest.mark.parametrize(("base", "lacking"), CASES, ids=str)
def test_a_class_that_lacks_one_member_is_refused(base: Any, lacking: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        defined(base, [name for name in mandatory(base) if name != lacking])
    text = str(refused.value)
    assert f"\n  {lacking}: {base.MANDATORY[lacking]}\n" in text
    assert not [name for name in mandatory(base) if name != lacking and f"\n  {name}:" in text]


@pytest.mark.parametrize("base", [Transport, QueuedTransport])
def test_every_missing_member_is_named_with_its_line(base: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        defined(base, [])
    lines = str(refused.value).splitlines()
    assert lines[0].startswith("Incomplete (")
    assert "cannot be a transport, it lacks" in lines[0]
    assert lines[1:-1] == [f"  {name}: {text}" for name, text in base.MANDATORY.items()]
    assert "abstract=True" in lines[-1]


@pytest.mark.parametrize("base", [Transport, QueuedTransport])
def test_a_base_for_others_may_lack_members_and_those_derived_from_it_may_not(
    base: Any,
) -> None:
    between = defined(base, mandatory(base)[:1], abstract=True)
    with pytest.raises(ConfigurationError) as refused:
        defined(between, [])
    assert mandatory(base)[0] + ":" not in str(refused.value)
    assert mandatory(base)[1] + ":" in str(refused.value)
    assert issubclass(defined(between, mandatory(base)[1:]), base)


def test_a_complete_class_is_taken() -> None:
    for base in (Transport, QueuedTransport):
        assert issubclass(defined(base, mandatory(base)), Transport)


def test_a_derived_class_keeps_what_its_base_has() -> None:
    class Derived(MemoryTransport):
        """Adds nothing."""

    assert Derived().write(FRAME) > 0


def test_the_old_name_works_and_warns() -> None:
    one, other = MemoryTransport(), MemoryTransport()
    with pytest.warns(DeprecationWarning, match="write_many"):
        behind = MemoryTransport.spread([one, other], FRAME, skip=other)
    assert (behind, one.buffered > 0, other.buffered) == ([one], True, 0)


def test_a_class_that_has_only_the_old_name_warns_and_is_asked_by_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match=r"Old\.spread .*write_many") as caught:

        class Old(MemoryTransport):
            """Written when `write_many` was called `spread`."""

            @classmethod
            @override
            def spread(cls, transports: Any, frame: Frame, /, *, skip: Any = None) -> list[Any]:
                return ["its own"]

    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer: Any = Old.write_many([Old()], FRAME)
    assert answer == ["its own"]


def test_a_class_that_has_both_names_is_asked_by_the_new_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Both(NullTransport):
            """Serves old callers and new ones."""

            @classmethod
            @override
            def write_many(cls, transports: Any, frame: Frame, /, *, skip: Any = None) -> list[Any]:
                return ["new"]

            @classmethod
            @override
            def spread(cls, transports: Any, frame: Frame, /, *, skip: Any = None) -> list[Any]:
                return ["old"]

        assert Both.write_many([Both()], FRAME) == ["new"]


class Alike:
    """Has every member of a transport, and is none."""

    buffered = 0

    def write(self, frame: Frame) -> int:
        return 0

    def drop_oldest(self, *, volatile: bool = False) -> int:
        return 0

    def close(self, code: int, reason: str) -> None:
        """Do nothing."""

    abort = resume = cork = close


@pytest.mark.anyio
async def test_what_is_no_transport_is_not_opened() -> None:
    app = ByteSocket(title="Strict")
    handshake = Handshake("/ws")
    alike: Any = Alike()
    async with app.running(), create_task_group() as tasks:
        accepted = await app.endpoint.admit(handshake)
        assert isinstance(accepted, Acceptance)
        with pytest.raises(ConfigurationError, match="Alike is no transport: derive it from"):
            app.endpoint.open(handshake, alike, accepted, tasks)
        assert app.sockets() == []
        app.endpoint.open(handshake, MemoryTransport(), accepted, tasks)
        assert len(app.sockets()) == 1


def test_a_handshake_of_a_request() -> None:
    headers = [
        ("Host", "h"),
        ("Cookie", "a=1"),
        ("X-Forwarded-For", "one"),
        ("cookie", "b=2"),
        ("x-forwarded-for", "zwö"),
        ("Sec-WebSocket-Protocol", "bytesocket.json, other"),
        ("Sec-WebSocket-Protocol", "third"),
    ]
    made = Handshake.of("/w%20s?a=%20b?", headers, client=("::1", 1), scheme="wss")
    assert (made.path, made.query, made.client, made.scheme) == (
        "/w s",
        "a=%20b?",
        ("::1", 1),
        "wss",
    )
    assert made.subprotocols == ("bytesocket.json", "other", "third")
    assert made.headers["x-forwarded-for"] == "one, zwö"
    assert made.cookies == {"a": "1", "b": "2"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    assert (made.header_count, made.header_bytes) == (7, len("/w%20s?a=%20b?" + lines))
    assert Handshake.of("/ws", []) == Handshake("/ws")
