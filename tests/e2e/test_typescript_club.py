"""The generated client against real servers: turned away, taken out of a room, sent home."""

from collections.abc import Generator
from pathlib import Path

import pytest

from bytesocket_app.wire.close import is_final
from bytesocket_cli.codegen.typescript import javascript
from tests.support import contracts
from tests.support.club import app
from tests.support.node import Script
from tests.support.served import TRANSPORTS, served_by

BOTH = pytest.mark.parametrize("codec", ["json", "binary"])


@pytest.fixture(scope="module", params=TRANSPORTS)
def port(request: pytest.FixtureRequest) -> Generator[int]:
    """The club under a server."""
    with served_by(request.param, "tests.support.club:app") as port:
        yield port


def program(folder: Path, port: int, codec: str, source: str, query: str = "name=ann") -> Script:
    """Run a program that has an unopened `club`, and what it was told of its errors and states."""
    (folder / "club.js").write_text(javascript(app.contract().document)[0], encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    prelude = f"""
    import {{ connect }} from "./club.js";
    const reconnect = {{ min: 5, max: 20 }};
    const url = "ws://127.0.0.1:{port}/?{query}";
    const club = connect(url, {{ codec: "{codec}", reconnect }});
    const reports = [];
    club.onError(({{ phase, code, message, data }}) =>
      reports.push([phase, code, message, data?.door?.[0]]));
    const states = [];
    club.onState((state, ending) =>
      states.push(ending ? [state, ending.code, ending.reason] : state));
    """
    return Script(folder, prelude + source)


DOORS = {
    "name=bob": ["auth", "no_member", "You are not on the list.", 0xFE],
    "name=ann&day=monday": ["onUpgrade", "shut", "Closed on Mondays.", 0xFF],
}


@BOTH
@pytest.mark.parametrize("query", DOORS, ids=["authentication", "upgrade hook"])
def test_who_is_turned_away_at_the_door_hears_why(
    port: int, tmp_path: Path, codec: str, query: str
) -> None:
    """In the end: granian may reset a connection whose client spoke before it read the refusal."""
    source = """
    const error = await club.ready.catch((error) => error);
    const kick = () => club.request("kick", { room: "bar:1", code: null });
    const later = await kick().catch((error) => error);
    const { door } = error.data;
    tell([error.code, error.message, door instanceof Uint8Array && door[0]]);
    tell([later, club.ended].map((one) => one === error));
    tell(reports.at(-1));
    tell(club.state);
    """
    with program(tmp_path, port, codec, source, query) as script:
        assert script.result() == [DOORS[query][1:], [True] * 2, DOORS[query], "closed"]


@BOTH
def test_who_is_let_in_is_ready(port: int, tmp_path: Path, codec: str) -> None:
    source = """
    await club.ready;
    tell([club.state, club.ended ?? null]);
    club.close();
    """
    with program(tmp_path, port, codec, source) as script:
        assert script.result() == [["open", None]]


@BOTH
@pytest.mark.parametrize("code", [None, "banned"])
def test_who_is_taken_out_of_a_room_hears_why_and_may_come_again(
    port: int, tmp_path: Path, codec: str, code: str | None
) -> None:
    word = "null" if code is None else f'"{code}"'
    source = f"""
    const bars = [1, 2].map((number) => club.join("bar:{{number}}", {{ number }}));
    await Promise.all(bars.map((bar) => bar.ready));
    const waves = bars[1].events("wave");
    const left = new Promise((resolve) => bars[0].onLeft(resolve));
    await club.request("kick", {{ room: "bar:1", code: {word} }});
    tell(await left);
    tell(bars.map((bar) => bar.emit("wave", {{ text: "x" }})));
    tell(await bars[0].request("wave", {{ text: "x" }}).catch(({{ code }}) => code));
    const again = club.join("bar:{{number}}", {{ number: 1 }});
    await again.ready;
    tell(again.emit("wave", {{ text: "again" }}));
    tell(club.emitRooms([again, bars[1]], "wave", {{ text: "both" }}));
    await club.request("kick", {{ room: "bar:2", code: {word} }});
    tell((await waves.next()).done);
    tell(reports);
    club.close();
    """
    removed = code or "removed"
    with program(tmp_path, port, codec, source) as script:
        assert script.result() == [
            {"code": removed, "message": "Time to go."},
            ["dropped", "sent"],
            removed,
            "sent",
            "sent",
            True,
            [],
        ]


@BOTH
def test_an_event_for_several_rooms_reaches_each(port: int, tmp_path: Path, codec: str) -> None:
    source = """
    const other = connect(url);
    const [mine, theirs] = [club, other].map((one) =>
      [1, 2].map((number) => one.join("bar:{number}", { number })));
    await Promise.all([...mine, ...theirs].map((bar) => bar.ready));
    const heard = Promise.all(
      theirs.map((bar) => new Promise((resolve) => bar.once("wave", resolve))));
    tell(club.emitRooms(mine, "wave", { text: "all" }));
    tell(await heard);
    tell(reports);
    club.close();
    other.close();
    """
    with program(tmp_path, port, codec, source) as script:
        assert script.result() == ["sent", [{"text": "all"}] * 2, []]


@BOTH
@pytest.mark.parametrize(
    ("code", "final", "ending"),
    [
        ("null", "true", [4400, "closed for good"]),
        ("4450", "true", [4450, "closed for good"]),
        ("4003", "false", [4003, "normal"]),
        ("4010", "false", [4010, "normal"]),
        ("4500", "false", [4500, "normal"]),
        ("null", "false", [1000, "normal"]),
    ],
)
def test_who_is_sent_home_for_good_stays_there(
    port: int, tmp_path: Path, codec: str, code: str, final: str, ending: list[object]
) -> None:
    source = f"""
    await club.ready;
    club.emit("home", {{ code: {code}, final: {final} }});
    await new Promise((resolve) => club.onState((state, ending) => ending && resolve()));
    const back = await club.ready.then(() => true, () => false);
    tell(states.find((state) => typeof state !== "string").slice(1));
    tell([back, club.ended?.code ?? null, club.ended?.closeCode ?? null]);
    club.close();
    """
    stays = is_final(int(str(ending[0])))
    with program(tmp_path, port, codec, source) as script:
        told = script.result()
    error = ["disconnected", ending[0]] if stays else [None, None]
    assert told == [ending, [not stays, *error]]


def test_the_client_takes_the_codes_for_final_that_the_documents_say(tmp_path: Path) -> None:
    """Each code that a close may have; that table is compared with Python's function elsewhere."""
    text = javascript(contracts.minimal())[0]
    (tmp_path / "final.js").write_text(f"{text}\nexport {{ isFinal }};\n", encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    source = """
    import { isFinal } from "./final.js";
    tell(Array.from({ length: 5000 }, (_, code) => code).filter(isFinal));
    """
    with Script(tmp_path, source) as script:
        assert script.result() == [[code for code in range(5000) if is_final(code)]]
