"""Cases of RFC 6455 by the ids of the Autobahn test suite, in our own words.

Our server closes with 1008 what is no message of its protocol. So a case that wants its payload
back sends a request for an echo, padded to the case's size, and the answer is compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.support.hostile import Attacker
from tests.support.raw_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from tests.support.transcripts import Heard, echo, echo_binary, goodbye, send, transcript

PROTOCOL: Final = 1002
INVALID: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
MIB: Final = 2**20

Pieces = Literal["whole", "frames", "octets"]
"""How the bytes are cut: in one piece, frame by frame, or byte by byte."""


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        id: Of the Autobahn suite.
        frames: What the client sends.
        hears: What it hears; "?" before a word: or not.
        pieces: How it sends.
        codes: Further close codes that the RFC allows for the last one.
        closes: True if the client closes when it has heard all but the last.
    """

    id: str
    frames: tuple[bytes, ...] = field(repr=False)
    hears: tuple[Heard, ...]
    pieces: Pieces = "whole"
    codes: tuple[int, ...] = field(default=())
    closes: bool = False

    def run(self, peer: Attacker) -> list[Heard]:
        """Play the client; returns what it hears. The server has to hang up at the end."""
        send(peer, self.cut())
        goodbye_after = len(self.hears) - 1 if self.closes else None
        return transcript(peer, goodbye_after=goodbye_after)

    def cut(self) -> Iterable[bytes]:
        """The bytes in pieces, as the case wants them."""
        whole = b"".join(self.frames)
        if self.pieces == "octets":
            return (whole[index : index + 1] for index in range(len(whole)))
        return self.frames if self.pieces == "frames" else (whole,)

    def allows(self, heard: list[Heard]) -> bool:
        """True if that may be heard."""
        if heard and heard[-1] in self.codes:
            heard = [*heard[:-1], self.hears[-1]]
        maybe = [one for one in self.hears if isinstance(one, str) and one.startswith("?")]
        sure = [one for one in self.hears if one not in maybe]
        full = [one.removeprefix("?") if isinstance(one, str) else one for one in self.hears]
        return heard in (sure, full)


def _fine(identity: str, *frames: bytes, hears: Iterable[Heard], pieces: Pieces = "whole") -> Case:
    """A case after which the connection still works: it is then closed by the client."""
    return Case(identity, frames, (*hears, 1000), pieces, closes=True)


def _fails(
    identity: str,
    *frames: bytes,
    code: int = PROTOCOL,
    hears: Iterable[Heard] = (),
    pieces: Pieces = "whole",
    codes: tuple[int, ...] = (),
) -> Case:
    """A case that ends the connection."""
    return Case(identity, frames, (*hears, code), pieces, codes)


def text(content: str = "x", **how: bool | int) -> bytes:
    """A text frame that asks for an echo."""
    return frame(TEXT, echo(content), **how)  # type: ignore[arg-type]


def parted(payload: bytes, size: int, opcode: int = TEXT) -> list[bytes]:
    """A message in fragments of at most so many bytes."""
    parts = [payload[start : start + size] for start in range(0, len(payload), size)]
    last = len(parts) - 1
    return [
        frame(opcode if index == 0 else CONTINUATION, part, fin=index == last)
        for index, part in enumerate(parts)
    ]


def _sized(size: int, opcode: int = TEXT) -> tuple[bytes, str]:
    """A request of exactly so many bytes, and the text in it."""
    make = echo if opcode == TEXT else echo_binary
    padding = size - len(make(""))
    for less in range(5):  # a longer text has a longer head in MessagePack
        content = "*" * (padding - less)
        if len(make(content)) == size:
            return make(content), content
    raise AssertionError(size)


def _payloads() -> Iterator[Case]:
    """Section 1: sizes at the borders of the three forms of length."""
    for group, opcode in (("1.1", TEXT), ("1.2", BINARY)):
        empty = frame(opcode)
        # An empty binary frame is our protocol's ping; an empty text is broken JSON.
        if opcode == BINARY:
            yield _fine(f"{group}.1", empty, hears=["pong of ours"])
        else:
            yield _fails(f"{group}.1", empty, code=POLICY)
        for number, size in enumerate((125, 126, 127, 128, 65535, 65536), 2):
            payload, content = _sized(size, opcode)
            yield _fine(f"{group}.{number}", frame(opcode, payload), hears=[f"reply {content}"])
        payload, content = _sized(65536, opcode)
        whole = frame(opcode, payload)
        chops = [whole[start : start + 997] for start in range(0, len(whole), 997)]
        yield _fine(f"{group}.8", *chops, hears=[f"reply {content}"], pieces="frames")


def _pings() -> Iterator[Case]:
    """Section 2: pings and pongs."""
    full = "þ" * 125
    yield _fine("2.1", frame(PING), hears=["pong"])
    yield _fine("2.2", frame(PING, b"Hello, world!"), hears=["pong Hello, world!"])
    yield _fine("2.3", frame(PING, b"\x00\xff\xfe\xfd"), hears=["pong \x00\xff\xfe\xfd"])
    yield _fine("2.4", frame(PING, full.encode("latin-1")), hears=[f"pong {full}"])
    yield _fails("2.5", frame(PING, b"\xfe" * 126))
    yield _fine("2.6", frame(PING, full.encode("latin-1")), hears=[f"pong {full}"], pieces="octets")
    yield _fine("2.7", frame(PONG), hears=[])
    yield _fine("2.8", frame(PONG, b"unsolicited"), hears=[])
    yield _fine("2.9", frame(PONG, b"unsolicited"), frame(PING, b"ask"), hears=["pong ask"])
    ten = [frame(PING, f"payload-{number}".encode()) for number in range(10)]
    answers = [f"pong payload-{number}" for number in range(10)]
    yield _fine("2.10", *ten, hears=answers)
    yield _fine("2.11", *ten, hears=answers, pieces="octets")


def _reserved_bits() -> Iterator[Case]:
    """Section 3: reserved bits without an extension."""
    ping = frame(PING)
    yield _fails("3.1", text(rsv=1))
    yield _fails("3.2", text(), text(rsv=2), ping, hears=["?reply x"])
    yield _fails("3.3", text(), text(rsv=3), ping, hears=["?reply x"], pieces="frames")
    yield _fails("3.4", text(), text(rsv=4), ping, hears=["?reply x"], pieces="octets")
    yield _fails("3.5", frame(BINARY, echo_binary(), rsv=5))
    yield _fails("3.6", frame(PING, b"x", rsv=6))
    yield _fails("3.7", frame(CLOSE, b"\x03\xe8", rsv=7))


def _opcodes() -> Iterator[Case]:
    """Section 4: opcodes that mean nothing."""
    for group, first in (("4.1", 3), ("4.2", 11)):
        yield _fails(f"{group}.1", frame(first))
        yield _fails(f"{group}.2", frame(first + 1, b"reserved opcode"))
        for number, pieces in ((3, "whole"), (4, "frames"), (5, "octets")):
            yield Case(
                f"{group}.{number}",
                (text(), frame(first + number - 1, b"reserved"), frame(PING)),
                ("?reply x", PROTOCOL),
                pieces,  # type: ignore[arg-type]
            )


_THREE: Final[tuple[Pieces, ...]] = ("whole", "frames", "octets")


def _fragments() -> Iterator[Case]:
    """Section 5: fragments, with control frames between them."""
    whole = echo()
    head, tail = frame(TEXT, whole[:20], fin=False), frame(CONTINUATION, whole[20:])
    lost, open_end = frame(CONTINUATION, b"lost"), frame(CONTINUATION, b"lost", fin=False)
    yield _fails("5.1", frame(PING, b"frag", fin=False), frame(CONTINUATION, b"ment"))
    yield _fails("5.2", frame(PONG, b"frag", fin=False), frame(CONTINUATION, b"ment"))
    for number, pieces in enumerate(_THREE):
        yield _fine(f"5.{3 + number}", head, tail, hears=["reply x"], pieces=pieces)
        yield _fine(
            f"5.{6 + number}",
            head,
            frame(PING, b"between"),
            tail,
            hears=["pong between", "reply x"],
            pieces=pieces,
        )
        yield _fails(f"5.{9 + number}", lost, text(), pieces=pieces)
        yield _fails(f"5.{12 + number}", open_end, text(), pieces=pieces)
    yield _fails("5.15", head, tail, open_end, text(), hears=["?reply x"])
    yield _fails("5.16", open_end, head, tail, open_end, head, tail)
    yield _fails("5.17", lost, head, tail, lost, head, tail)
    yield _fails("5.18", head, frame(TEXT, whole[20:]))
    fifths = parted(whole, -(-len(whole) // 5))
    assert len(fifths) == 5
    mixed = [
        *fifths[:2],
        frame(PING, b"one"),
        *fifths[2:4],
        frame(PING, b"two"),
        fifths[4],
    ]
    answers = ["pong one", "pong two", "reply x"]
    yield _fine("5.19", *mixed, hears=answers, pieces="frames")
    yield _fine("5.20", *mixed, hears=answers)


def _utf8() -> Iterator[Case]:
    """Section 6: text that is UTF-8, and text that is not."""
    yield _fails("6.1.1", frame(TEXT), code=POLICY)
    empty = [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION)]
    yield _fails("6.1.2", *empty, code=POLICY)
    middle = frame(CONTINUATION, echo("middle"), fin=False)
    yield _fine("6.1.3", empty[0], middle, empty[2], hears=["reply middle"])
    greek = "Hello-µ@ßöäüàá-UTF-8!!"
    cut = echo(greek).index("ß".encode())
    yield _fine("6.2.1", text(greek), hears=[f"reply {greek}"])
    yield _fine("6.2.2", *parted(echo(greek), cut), hears=[f"reply {greek}"])
    yield _fine("6.2.3", *parted(echo(greek), 1), hears=[f"reply {greek}"])
    yield _fine("6.2.4", *parted(echo("κόσμε"), 1), hears=["reply κόσμε"])
    broken = echo("κόσμε?").replace(b"?", b"\xed\xa0\x80edited")
    yield _fails("6.3.1", frame(TEXT, broken), code=INVALID)
    yield _fails("6.3.2", *parted(broken, 1), code=INVALID)
    # Where these want the failure before the message is whole, later is right as well.
    beyond = echo("κόσμε?").replace(b"?", b"\xf4\x90\x80\x80edited")
    place = beyond.index(b"\xf4")
    for number, (first, second) in enumerate(((0, 4), (1, 4), (0, 4), (1, 4)), 1):
        ends = (beyond[: place + first], beyond[place + first : place + second])
        frames = (
            frame(TEXT, ends[0], fin=False),
            frame(CONTINUATION, ends[1], fin=False),
            frame(CONTINUATION, beyond[place + second :]),
        )
        pieces: Pieces = "frames" if number < 3 else "octets"
        yield _fails(f"6.4.{number}", *frames, code=INVALID, pieces=pieces)
    for identity, is_valid, code in _SEQUENCES:
        sequence = bytes.fromhex(code)
        payload = echo("before ? after").replace(b"?", sequence)
        if is_valid:
            shown = sequence.decode()
            yield _fine(identity, frame(TEXT, payload), hears=[f"reply before {shown} after"])
        else:
            yield _fails(identity, frame(TEXT, payload), code=INVALID)


def _sequences() -> Iterator[tuple[str, bool, str]]:
    """The ids, if the bytes are UTF-8, and the bytes."""
    kosme = "cebae1bdb9cf83cebcceb5"
    for group, is_valid, codes in (
        ("6.5", True, ["68656c6c6f24776f726c64", "68656c6c6fc2a2776f726c64", "68656c6c6fe282ac77"]),
        ("6.7", True, ["7f", "c280", "e0a080", "f0908080"]),
        ("6.8", False, ["f888808080", "fc8480808080"]),
        ("6.9", True, ["7f", "dfbf", "efbfbf", "f48fbfbf"]),
        ("6.10", False, ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"]),
        ("6.12", False, ["80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"]),
        ("6.13", False, ["c020c120", "e020e120", "f020f120", "f820f920", "fc20fd20"]),
        ("6.14", False, ["c0", "e080", "f08080", "f8808080", "fc80808080"]),
        ("6.16", False, ["fe", "ff", "fefeffff"]),
        ("6.17", False, ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"]),
        ("6.18", False, ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"]),
        ("6.19", False, ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"]),
        ("6.20", False, ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"]),
        ("6.21", False, ["eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf"]),
        ("6.22", True, ["efbfbe", "efbfbf", "f09fbfbe", "f09fbfbf", "f0afbfbe", "f48fbfbf"]),
        ("6.23", True, ["efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd"]),
    ):
        yield from ((f"{group}.{number}", is_valid, code) for number, code in enumerate(codes, 1))
    for size in range(1, 12):  # every beginning of one word
        part = kosme[: size * 2]
        yield f"6.6.{size}", size in (2, 5, 7, 9, 11), part
    for number, code in enumerate(("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080"), 1):
        yield f"6.11.{number}", number < 5, code
    yield "6.15.1", False, "c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"


_SEQUENCES: Final = (*_sequences(),)


def _closes() -> Iterator[Case]:
    """Section 7: the closing handshake."""
    yield Case("7.1.1", (text(), goodbye()), ("?reply x", 1000))
    yield Case("7.1.2", (goodbye(), goodbye()), (1000,))
    yield Case("7.1.3", (goodbye(), frame(PING, b"late")), (1000,))
    yield Case("7.1.4", (goodbye(), text()), (1000,))
    yield Case(
        "7.1.5", (frame(TEXT, echo()[:20], fin=False), goodbye(), frame(CONTINUATION)), (1000,)
    )
    payload, content = _sized(256 * 1024)
    yield Case(
        "7.1.6",
        (frame(TEXT, payload), goodbye(), frame(PING)),
        (f"?reply {content}", 1000),
        pieces="frames",
    )
    yield Case("7.3.1", (frame(CLOSE),), (1005,), codes=(1000,))
    yield _fails("7.3.2", frame(CLOSE, b"a"))
    yield Case("7.3.3", (goodbye(),), (1000,))
    yield Case("7.3.4", (frame(CLOSE, b"\x03\xe8Hello!"),), (1000,))
    yield Case("7.3.5", (frame(CLOSE, b"\x03\xe8" + b"*" * 123),), (1000,))
    yield _fails("7.3.6", frame(CLOSE, b"\x03\xe8" + b"*" * 124))
    yield _fails(
        "7.5.1", frame(CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80"), code=INVALID, codes=(1002,)
    )
    allowed = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for number, code in enumerate(allowed, 1):
        # An endpoint sends back the code that it got, or one of its own (section 5.5.1).
        yield Case(f"7.7.{number}", (goodbye(code),), (code,), codes=(1000,))
    for number, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield _fails(f"7.9.{number}", goodbye(code))
    for number, code in enumerate((5000, 65535), 1):
        yield _fails(f"7.13.{number}", goodbye(code))


def _limits() -> Iterator[Case]:
    """Sections 9 and 10: sizes up to our limit of 1 MiB, and beyond it."""
    for group, opcode in (("9.1", TEXT), ("9.2", BINARY)):
        for number, size in enumerate((MIB // 16, MIB // 4, MIB), 1):
            payload, content = _sized(size, opcode)
            yield _fine(f"{group}.{number}", frame(opcode, payload), hears=[f"reply {content}"])
        yield _fails(f"{group}.4", frame(opcode, bytes(4 * MIB)), code=TOO_BIG)
    for group, opcode in (("9.3", TEXT), ("9.4", BINARY)):
        big = b"*" * 4 * MIB
        for number, size in ((2, 256), (5, 16 * 1024), (8, MIB)):
            yield _fails(f"{group}.{number}", *parted(big, size, opcode), code=TOO_BIG)
    payload, content = _sized(MIB)
    whole = frame(TEXT, payload)
    for number, chop in enumerate((128, 256, 512, 1024, 2048), 1):
        if chop >= 1024:
            chops = [whole[start : start + chop] for start in range(0, len(whole), chop)]
            yield _fine(f"9.5.{number}", *chops, hears=[f"reply {content}"], pieces="frames")
    payload, content = _sized(65536)
    yield _fine("10.1.1", *parted(payload, 1300), hears=[f"reply {content}"])


CASES: Final = (
    *_payloads(),
    *_pings(),
    *_reserved_bits(),
    *_opcodes(),
    *_fragments(),
    *_utf8(),
    *_closes(),
    *_limits(),
)
