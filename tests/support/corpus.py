"""Corpus of attacks: `tests/corpus/KIND/NAME.bin`, and what is expected of each in `index.json`.

An entry of the index has `kind`, `name`, `why`, and `expect`; instead of a file, a large input has
`build`: pieces in hexadecimal, each with the number of times that it is repeated. `half` says that
the peer stops sending behind it. What `expect` holds depends on the kind:

- `http`: the statuses that are right, "4xx" for all of them, "closed" for none at all;
- `frames`: the close codes that are right, 1005 for a close without a code, 1006 for a connection
  that is dropped;
- `json`, `msgpack`, `auth`: what is heard, one after another; "open" if the connection still is at
  the end, else its code and, behind a space, its reason.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from tests.support.hostile import Target
from tests.support.hostile_app import make, with_login
from tests.support.transcripts import conversation, send, transcript

FOLDER: Final = Path(__file__).parents[1] / "corpus"


@dataclass(frozen=True)
class Entry:
    """One attack.

    Attributes:
        kind: Where it is fed to, the name of its folder.
        name: Its name.
        why: What is wrong with it.
        expect: What is right; see above.
        build: The pieces of a large one.
        half: True if the peer stops sending behind it.
        but: What is expected of some servers instead.
    """

    kind: str
    name: str
    why: str
    expect: list[Any]
    build: tuple[tuple[str, int], ...] = ()
    half: bool = False
    but: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    def data(self) -> bytes:
        """What is sent."""
        if self.build:
            return b"".join(bytes.fromhex(piece) * times for piece, times in self.build)
        return (FOLDER / self.kind / f"{self.name}.bin").read_bytes()


def entries() -> list[Entry]:
    """All entries of the index."""
    return TypeAdapter(list[Entry]).validate_json((FOLDER / "index.json").read_bytes())


def of(*kinds: str) -> list[Entry]:
    """The entries of some kinds."""
    return [one for one in entries() if one.kind in kinds]


def status(served: Target, entry: Entry) -> str:
    """Send a request; returns the status of the answer, or "closed"."""
    with served.connect() as peer:
        send(peer, [entry.data()])
        if entry.half:
            peer.half_close()
        code, _ = peer.answer()
        return str(code) if code else "closed"


def allowed(expect: list[str]) -> set[str]:
    """The statuses that are right."""
    found: set[str] = set()
    for one in expect:
        found |= {str(code) for code in range(400, 500)} if one == "4xx" else {one}
    return found


def last_code(served: Target, entry: Entry) -> object:
    """Send frames; returns how the connection ended."""
    with served.upgraded() as peer:
        send(peer, [entry.data()])
        if entry.half:
            peer.half_close()
        return transcript(peer, hangs_up=False)[-1]


async def heard_in_process(entry: Entry) -> list[str]:
    """Feed a message to an application, and a healthy one behind it; returns what is heard."""
    app = with_login() if entry.kind == "auth" else make()
    is_binary = entry.kind == "msgpack"
    return await conversation(app, entry.data() if is_binary else entry.data().decode())
