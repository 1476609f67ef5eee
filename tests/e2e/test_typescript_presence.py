"""The generated client shows who is in a room: against real servers, and a scripted one."""

from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.typescript import OURS, javascript, typescript
from bytesocket_cli.project import Peer
from tests.support.node import TSC, Script, type_check
from tests.support.presence_app import app, json_app
from tests.support.scripted_server import ScriptedServer
from tests.support.served import TRANSPORTS, served_by
from tests.support.typescript_lab import Lab

BOTH = pytest.mark.parametrize("codec", ["json", "binary"])
PEERS: tuple[Peer, ...] = (OURS, "bytesocket-node")
NAMED = "tests.support.presence_app:app"
NUMBERS = count(1)
"""Rooms of their own for tests that share a server, where people linger."""

SHOW = """
const open = [];
const meet = (name, codec) => {
  const client = connect(url, { auth: name, codec, reconnect: { min: 5, max: 20 } });
  client.onError(({ phase, code, room }) => phase === "network" || tell([code, room ?? null]));
  open.push(client);
  return client;
};
const at = (client, doc_id = number) => client.join("doc:{doc_id}", { doc_id });
const looks = new Set();
const changes = (room) => {
  const told = [];
  room.onPresence((change) => {
    told.push(Object.values(change));
    for (const look of looks) look();
  });
  return told;
};
/** Wait until something holds that a change of a room's presence brings about. */
const until = (holds) => new Promise((resolve) => {
  const look = () => {
    if (!holds()) return;
    looks.delete(look);
    resolve();
  };
  looks.add(look);
  look();
});
const bytes = (value) => value instanceof Uint8Array && [...value];
const shown = ({ presence }) => [...presence].map(([key, entries]) => [
  key, entries.map(({ name, typing, since, face }) => [name, typing, since, bytes(face)]),
]);
const end = () => { for (const client of open) client.close(); };
"""
SINCE = "2026-01-02T03:04:05Z"
FACE = [254, 255]


@pytest.fixture(scope="module", params=TRANSPORTS)
def port(request: pytest.FixtureRequest) -> Generator[int]:
    """The desk under a server."""
    with served_by(request.param, NAMED) as port:
        yield port


@pytest.fixture(scope="module")
def one_port() -> Generator[int]:
    """The desk under one server, for what does not depend on it."""
    with served_by("picows", NAMED) as port:
        yield port


def program(
    folder: Path, port: int, source: str, *, peer: Peer = OURS, served: Any = app
) -> Script:
    (folder / "desk.js").write_text(
        javascript(served.contract().document, peer=peer)[0], encoding="utf-8"
    )
    (folder / "package.json").write_text('{"type": "module"}')
    prelude = f"""
    import {{ connect }} from "./desk.js";
    const url = "ws://127.0.0.1:{port}/ws";
    const number = {next(NUMBERS)};
    """
    return Script(folder, prelude + SHOW + source)


MEETING = """
const [ann, bob] = [meet("ann", "CODEC"), meet("bob", "OTHER")];
const room = at(ann);
const told = changes(room);
await until(() => room.presence.size === 1);
tell(shown(room));
const there = at(bob);
changes(there);
await until(() => room.presence.has("bob") && there.presence.size === 2);
tell([[...there.presence.keys()], there.presence.count]);
tell(there.presence.update(CHANGES));
await until(() => room.presence.get("bob")[0].typing && there.presence.get("bob")[0].typing);
tell([shown(room)[1], shown(there)[1]]);
bob.close();
await until(() => !room.presence.has("bob"));
tell([shown(room), room.presence.count]);
tell(told);
end();
"""
MET = [
    [["ann"], [], []],
    [["bob"], [], []],
    [[], ["bob"], []],
    [[], [], ["bob"]],
]


@BOTH
@pytest.mark.parametrize("peer", PEERS)
def test_clients_see_who_comes_changes_and_goes(
    port: int, tmp_path: Path, codec: str, peer: Peer
) -> None:
    later = "2027-01-01T00:00:00Z"
    changes = f'{{ typing: true, since: "{later}", face: new Uint8Array([0, 250]) }}'
    other = "json" if codec == "binary" else "binary"
    source = MEETING.replace("CODEC", codec).replace("OTHER", other).replace("CHANGES", changes)
    ann = ["ann", [["ann", False, SINCE, FACE]]]
    bob = ["bob", [["bob", True, later, [0, 250]]]]
    with program(tmp_path, port, source, peer=peer) as script:
        assert script.result() == [
            [ann],
            [["ann", "bob"], 2],
            "sent",
            [bob, bob],
            [[ann], 1],
            MET,
        ]


@pytest.mark.parametrize("transport", ["picows", "uvicorn"])
def test_clients_of_an_application_for_json_alone_see_each_other(
    tmp_path: Path, transport: str
) -> None:
    source = MEETING.replace('"CODEC"', "undefined").replace('"OTHER"', "undefined")
    source = source.replace("CHANGES", "{ typing: true }")
    with served_by(transport, "tests.support.presence_app:json_app") as port:  # noqa: SIM117
        with program(tmp_path, port, source, served=json_app) as script:
            told = script.result()
    bob = ["bob", [["bob", True, None, False]]]
    assert told[2:4] == ["sent", [bob, bob]]
    assert told[-1] == MET


@BOTH
def test_a_user_with_two_tabs_has_two_entries_and_leaves_with_the_last(
    port: int, tmp_path: Path, codec: str
) -> None:
    source = f"""
    const [ann, bob, tab] = ["ann", "bob", "bob"].map((name) => meet(name, "{codec}"));
    const room = at(ann);
    const told = changes(room);
    at(bob);
    await until(() => room.presence.get("bob")?.length === 1);
    const second = at(tab);
    await until(() => room.presence.get("bob").length === 2);
    second.presence.update({{ typing: true }});
    await until(() => room.presence.get("bob").some(({{ typing }}) => typing));
    tell([room.presence.size, room.presence.get("bob").map(({{ typing }}) => typing)]);
    tab.close();
    await until(() => room.presence.get("bob").length === 1);
    tell(room.presence.get("bob")[0].typing);
    bob.close();
    await until(() => room.presence.size === 1);
    tell(told.slice(-2));
    end();
    """
    with program(tmp_path, port, source) as script:
        assert script.result() == [
            [2, [False, True]],
            False,
            [[[], ["bob"], []], [[], [], ["bob"]]],
        ]


@BOTH
@pytest.mark.parametrize("transport", ["picows", "uvicorn"])
def test_a_reload_is_not_told_to_anybody(tmp_path: Path, transport: str, codec: str) -> None:
    source = f"""
    const [ann, bob] = ["ann", "bob"].map((name) => meet(name, "{codec}"));
    const [room, there] = [at(ann), at(bob)];
    const [told, seen] = [changes(room), changes(there)];
    await until(() => room.presence.size === 2 && there.presence.size === 2);
    told.length = seen.length = 0;
    const back = new Promise((resolve) => ann.onState((state) => state === "open" && resolve()));
    ann.emit("again");
    await back;
    await room.ready;
    tell(room.presence.update({{ typing: true }}));
    const typing = ({{ presence }}) => presence.get("ann")[0].typing;
    await until(() => typing(room) && typing(there));
    tell([told, seen]);
    end();
    """
    with served_by(transport, "tests.support.presence_app:patient") as port:  # noqa: SIM117
        with program(tmp_path, port, source) as script:
            assert script.result() == ["sent", [[[[], ["ann"], []]]] * 2]


@BOTH
def test_a_room_that_was_left_shows_nobody(port: int, tmp_path: Path, codec: str) -> None:
    source = f"""
    const ann = meet("ann", "{codec}");
    const room = at(ann);
    const told = changes(room);
    await until(() => room.presence.size === 1);
    room.leave();
    tell([room.presence.size, room.presence.count, room.presence.update({{ typing: true }})]);
    const again = at(ann);
    changes(again);
    await until(() => again.presence.size === 1);
    tell([room.presence.size, told.length]);
    end();
    """
    with program(tmp_path, port, source) as script:
        assert script.result() == [[0, 0, "dropped"], [0, 1]]


@BOTH
def test_a_room_that_counts_has_a_count_and_nobody(port: int, tmp_path: Path, codec: str) -> None:
    source = f"""
    const [ann, bob] = ["ann", "bob"].map((name) => meet(name, "{codec}"));
    const stage = ann.join("stage:{{number}}", {{ number }});
    const told = changes(stage);
    await until(() => stage.presence.count === 1);
    bob.join("stage:{{number}}", {{ number }});
    await until(() => stage.presence.count === 2);
    tell([stage.presence.size, told]);
    const cellar = ann.join("cellar");
    tell([cellar.presence ?? null, cellar.onPresence ?? null]);
    end();
    """
    with program(tmp_path, port, source) as script:
        assert script.result() == [[0, [[[], [], []]] * 2], [None, None]]


@BOTH
def test_who_is_taken_out_of_a_room_sees_nobody_and_may_come_again(
    port: int, tmp_path: Path, codec: str
) -> None:
    source = f"""
    const ann = meet("ann", "{codec}");
    const room = at(ann);
    const told = changes(room);
    room.onLeft(() => told.push("left"));
    await until(() => room.presence.size === 1);
    ann.emit("out", {{ room: room.name }});
    await until(() => room.presence.size === 0);
    tell([told, room.presence.count, room.presence.update({{ typing: true }})]);
    const again = at(ann);
    changes(again);
    await until(() => again.presence.size === 1);
    tell([again.presence === room.presence, told.length]);
    end();
    """
    with program(tmp_path, port, source) as script:
        assert script.result() == [
            [[[["ann"], [], []], "left", [[], [], ["ann"]]], 0, "dropped"],
            [False, 3],
        ]


@BOTH
def test_a_refused_change_is_told_to_error_listeners(
    one_port: int, tmp_path: Path, codec: str
) -> None:
    source = f"""
    const ann = meet("ann", "{codec}");
    const room = at(ann);
    await room.ready;
    tell(room.presence.update({{ typing: "perhaps" }}));
    tell(room.presence.update({{ name: "x" }}));
    let error;
    try {{ room.presence.update({{ face: new Map() }}); }} catch (thrown) {{ error = thrown; }}
    tell(error.name);
    """
    with program(tmp_path, one_port, source) as script:
        script.wait_for(lambda told: len(told) == 5)
        codes = ("validation", "forbidden")
        assert [told[0] for told in script.told if told[0] in codes] == list(codes)
        said = ["sent", "sent", "TypeError"]
        assert [told for told in script.told if isinstance(told, str)] == said


@BOTH
def test_handles_share_the_map_and_one_that_left_hears_no_more(
    one_port: int, tmp_path: Path, codec: str
) -> None:
    source = f"""
    const [ann, bob] = ["ann", "bob"].map((name) => meet(name, "{codec}"));
    const [one, two, three] = [at(ann), at(ann), at(ann)];
    const heard = {{ gone: 0, kept: 0, silent: 0 }};
    one.onPresence(() => heard.gone++);
    const off = three.onPresence(() => heard.silent++);
    two.onPresence(() => {{ heard.kept++; throw new Error("not the others' fault"); }});
    changes(two);
    await until(() => two.presence.size === 1);
    tell([one.presence === two.presence, heard]);
    one.leave();
    off();
    at(bob);
    await until(() => two.presence.size === 2);
    tell(heard);
    end();
    """
    failed = ["internal", None]
    with program(tmp_path, one_port, source) as script:
        assert script.result() == [
            failed,
            [True, {"gone": 1, "kept": 1, "silent": 1}],
            failed,
            {"gone": 1, "kept": 2, "silent": 1},
        ]


# ---- a scripted server

ANN: dict[str, Any] = {"name": "ann", "typing": False, "since": SINCE, "face": "_v8="}


@pytest.fixture
def desk(lab: Lab) -> Lab:
    """A lab with a client of the desk."""
    lab.script.auth = lambda _: True
    (lab.folder / "desk.js").write_text(javascript(app.contract().document)[0], encoding="utf-8")
    return lab


def told(data: Any, room: str = "doc:7") -> dict[str, Any]:
    return {"type": 36, "room": room, "data": data}


def person(server: ScriptedServer, **more: Any) -> dict[str, Any]:
    """An entry as the codec of the newest connection has it."""
    face = b"\xfe\xff" if server.peers[-1].codec.is_binary else "_v8="
    return {**ANN, "face": face, **more}


def joined(server: ScriptedServer, connections: int = 1) -> bool:
    """True if the newest of so many connections was asked to join."""
    log = server.log()
    return len(log) == connections and {"type": 9, "room": "doc:7", "presence": True} in log[-1]


def watching(codec: str, more: str = "") -> str:
    return f"""{SHOW}
    const number = 7;
    const ann = meet("ann", "{codec}");
    const room = at(ann);
    room.onPresence((change) => tell([Object.values(change), shown(room)]));
    {more}
    """


@BOTH
def test_only_who_joins_a_room_with_presence_asks_for_it(desk: Lab, codec: str) -> None:
    source = f"""{SHOW}
    const number = 7;
    const ann = meet("ann", "{codec}");
    const rooms = [at(ann), ann.join("stage:{{number}}", {{ number }}), ann.join("cellar")];
    await Promise.all(rooms.map((room) => room.ready));
    tell(at(ann).presence.update({{ typing: true, face: new Uint8Array([254, 255]) }}));
    at(ann, 8).leave();
    end();
    """
    with desk.run(source, module="desk.js") as script:
        assert script.result() == ["sent"]
    face = b"\xfe\xff" if codec == "binary" else "_v8="
    assert desk.server.log()[0][1:] == [
        {"type": 9, "room": "doc:7", "presence": True},
        {"type": 9, "room": "stage:7", "presence": True},
        {"type": 9, "room": "cellar"},
        {"type": 36, "room": "doc:7", "data": {"typing": True, "face": face}},
        {"type": 9, "room": "doc:8", "presence": True},
        {"type": 12, "room": "doc:8"},
    ]


@BOTH
def test_after_a_loss_the_whole_map_is_replaced_and_one_change_is_told(
    desk: Lab, codec: str
) -> None:
    source = watching(codec, "ann.onState((state) => tell([state, shown(room).length]));")
    with desk.run(source, module="desk.js") as script:
        desk.server.wait(joined)
        server = desk.server
        keys = ["ann", "bob", "cy", 7]
        server.send(told({"users": [[key, [person(server)]] for key in keys]}))
        script.wait_for(lambda told: len(told) == 2)
        server.kill()
        server.wait(lambda server: joined(server, 2))
        assert server.log()[1][1] == {"type": 9, "room": "doc:7", "presence": True}
        new: list[Any] = [
            ["ann", [person(server)]],
            [7, [person(server, typing=True)] * 2],
            ["dee", []],
        ]
        server.send(told({"users": new}))
        script.wait_for(lambda told: len(told) == 6)
        states = [told for told in script.told if isinstance(told[0], str)]
        assert states == [["open", 0], ["waiting", 4], ["connecting", 4], ["open", 4]]
        (_, change) = (told for told in script.told if not isinstance(told[0], str))
    entry = ["ann", False, SINCE, FACE]
    typing = ["ann", True, SINCE, FACE]
    assert change == [
        [["dee"], [7], ["bob", "cy"]],
        [["ann", [entry]], [7, [typing, typing]], ["dee", []]],
    ]


@BOTH
def test_an_entry_that_cannot_be_read_leaves_the_others(desk: Lab, codec: str) -> None:
    source = watching(codec)
    with desk.run(source, module="desk.js") as script:
        desk.server.wait(joined)
        good = person(desk.server)
        odd = [["eve", [good], 1], ["fay", good], [None, [good]], [["x"], [good]], 5, None, "ab"]
        users = [["ann", [good, 7, good]], ["bob", [None]], *odd[:2], ["cy", [good]]]
        desk.server.send(told({"users": users}))
        script.wait_for(lambda told: len(told) == 3)
        assert script.told[:2] == [["invalid", "doc:7"]] * 2
        entry = ["ann", False, SINCE, FACE]
        assert script.told[2] == [
            [["ann", "bob", "eve", "cy"], [], []],
            [["ann", [entry, entry]], ["bob", []], ["eve", [entry]], ["cy", [entry]]],
        ]
        nothing: list[Any] = [None, 5, [], {}, {"users": 5}, {"enter": odd[2:]}]
        for data in (*nothing, {"exit": [None, 1, "dee"]}):
            desk.server.send(told(data))
        for message in ({"type": 36}, told({"users": []}, "stage:7"), told({"users": []}, "x")):
            desk.server.send(message)
        desk.server.send(told({"exit": ["ann", "bob", "eve"]}))
        script.wait_for(lambda told: len(told) == 4)
        assert script.told[3] == [[[], [], ["ann", "bob", "eve"]], [["cy", [entry]]]]


@BOTH
def test_what_was_told_is_a_change_where_it_differs(desk: Lab, codec: str) -> None:
    """An `enter` of a user who is known is a change, and the other way round."""
    source = watching(codec)
    with desk.run(source, module="desk.js") as script:
        desk.server.wait(joined)
        good, typing = person(desk.server), person(desk.server, typing=True)
        for data in (
            {"change": [["ann", [good]]]},
            {"enter": [["ann", [good]], ["bob", [good]]]},
            {"change": [["bob", [good]]]},
            {"users": [["bob", [good]], ["ann", [good]]]},
            {"enter": [["ann", [typing]]], "exit": ["bob", "bob"]},
        ):
            desk.server.send(told(data))
        script.wait_for(lambda told: len(told) == 3)
    assert [change for change, _ in script.told] == [
        [["ann"], [], []],
        [["bob"], [], []],
        [[], ["ann"], ["bob"]],
    ]


@BOTH
def test_what_comes_before_the_answer_to_a_join_is_not_about_it(desk: Lab, codec: str) -> None:
    """As when a room is left and joined again at once."""
    desk.script.refused_rooms["doc:7"] = {
        "phase": "onJoinRoom",
        "error": {"code": "refused", "message": "Wait."},
    }
    source = watching(codec, "await room.ready.catch(({ code }) => tell(code));")
    with desk.run(source, module="desk.js") as script:
        script.wait("refused")
        desk.server.send(told({"enter": [["eve", [person(desk.server)]]]}))
        desk.server.send({"type": 10, "room": "doc:7"})
        desk.server.send(told({"users": [["ann", [person(desk.server)]]]}))
        script.wait_for(lambda told: len(told) == 3)
        assert script.told[2][0] == [["ann"], [], []]


@BOTH
def test_a_client_that_is_not_connected_drops_changes_and_shows_what_it_knew(
    desk: Lab, codec: str
) -> None:
    source = watching(
        codec,
        """
        const fate = () => room.presence.update({ typing: true });
        tell(fate());
        ann.onState((state) => state === "waiting" && tell([fate(), room.presence.size]));
        """,
    )
    with desk.run(source, module="desk.js") as script:
        script.wait("dropped")
        desk.server.wait(joined)
        desk.server.send(told({"users": [["ann", [person(desk.server)]]]}))
        script.wait_for(lambda told: len(told) == 2)
        desk.server.kill()
        script.wait(["dropped", 1])


USE = """
import { connect } from "./client.ts";
import type { $PresenceChange, Fellow, RoomHandle } from "./client.ts";

const desk = connect("ws://127.0.0.1/ws", { auth: "ann" });
const doc = desk.join("doc:{doc_id}", { doc_id: 7 });
const sent: "sent" | "dropped" = doc.presence.update({ typing: true });
doc.presence.update({ face: new Uint8Array(), since: "2026-01-01T00:00:00Z" });
doc.presence.update({});
// @ts-expect-error a field that clients may not change
doc.presence.update({ name: "x" });
// @ts-expect-error no such field
doc.presence.update({ typin: true });
// @ts-expect-error not of that type
doc.presence.update({ typing: "yes" });
const off: () => void = doc.onPresence(({ entered, changed, exited }) =>
  [entered[0], changed, exited]);
// @ts-expect-error there is no such list
doc.onPresence(({ left }) => left);
for (const [key, entries] of doc.presence) {
  const text: string | number = key;
  const names: string[] = entries.map((entry) => entry.name);
  console.log(text, names);
}
const one: readonly Fellow[] | undefined = doc.presence.get("ann");
doc.presence.forEach((entries, key) => [entries.length, key]);
// @ts-expect-error the server says who is there
doc.presence.set("ann", []);
// @ts-expect-error the server counts
doc.presence.count = 1;
// @ts-expect-error no such field
doc.presence.get("ann")?.[0]?.nam;

const stage = desk.join("stage:{number}", { number: "1" });
const all: number = stage.presence.count + doc.presence.size;
// @ts-expect-error it only counts
stage.presence.update({});
// @ts-expect-error it has no entries
stage.presence.get("ann")?.[0]?.name;
stage.onPresence(() => stage.presence.count);

const cellar = desk.join("cellar");
// @ts-expect-error it has no presence
cellar.presence;
// @ts-expect-error it has no presence
cellar.onPresence(() => {});

const handle: RoomHandle<"doc:{doc_id}"> = doc;
const plain: RoomHandle<"cellar"> = cellar;
const count = (room: RoomHandle<"doc:{doc_id}" | "stage:{number}">): number => room.presence.count;
const listener = (change: $PresenceChange): number => change.entered.length;
doc.onPresence(listener);
const { presence, onPresence, leave } = doc;
const { update } = presence;
desk.emitRooms([doc, doc], "never" as never);
console.log(sent, off, one, all, handle, plain, count(doc), count(stage));
console.log(onPresence, leave, update);
"""


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("version", list(TSC))
def test_presence_compiles_strictly_and_misuse_does_not(
    tmp_path: Path, node_packages: Path, version: str, peer: Peer
) -> None:
    for module in ("client.ts", "client.js"):
        folder = tmp_path / module.replace(".", "_")
        folder.mkdir()
        (folder / "package.json").write_text('{"type": "module"}')
        document = app.contract().document
        if module == "client.ts":
            (folder / module).write_text(typescript(document, peer=peer), encoding="utf-8")
        else:
            text, types = javascript(document, peer=peer)
            (folder / module).write_text(text, encoding="utf-8")
            (folder / "client.d.ts").write_text(types, encoding="utf-8")
        (folder / "use.ts").write_text(USE.replace("client.ts", module), encoding="utf-8")
        assert type_check(folder, version) == ""
