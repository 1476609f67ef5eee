"""The generated client in Node.js: what it is told for good, and what it comes back after."""

from typing import Any

import pytest

from tests.support.scripted_server import Peer
from tests.support.typescript_lab import FAST, Lab

REFUSAL = {
    "phase": "auth",
    "error": {"code": "unauthorized", "message": "Log in first.", "data": {"page": "/login"}},
    "code": 4003,
}
SHOW = """
const shown = ({ name, code, message, data, closeCode, closeReason }) =>
  [name, code, message, data ?? null, closeCode ?? null, closeReason ?? null];
const tellError = (error) => tell(shown(error));
"""
TOLD = ["RequestError", "unauthorized", "Log in first.", {"page": "/login"}, None, None]
POST = 'chat.request("chat:post", { text: "x" })'


def turned_away(peer: Peer) -> None:
    """Refuse a client that asked nothing yet, as a server does that decides at the handshake."""
    peer.send({"type": 6, "data": REFUSAL})
    peer.connection.close(4003, "auth")


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("module", ["open.js", "chat.js"])
def test_a_refusal_at_the_handshake_ends_everything_with_code_reason_and_data(
    lab: Lab, module: str, codec: str
) -> None:
    lab.script.greets = turned_away
    source = f"""
    {SHOW}
    const chat = connect(url, {{ auth, codec: "{codec}", {FAST} }});
    chat.onError(({{ phase, code, message, data }}) => tell([phase, code, message, data]));
    chat.onState((state) => tell(state));
    const pending = {POST}.catch((error) => error);
    const lobby = chat.join("lobby");
    const error = await chat.ready.catch((error) => error);
    tellError(error);
    const later = await {POST}.catch((error) => error);
    const room = await lobby.request("chat:reaction", {{ emoji: "+1" }}).catch((error) => error);
    const late = await chat.join("lobby").ready.catch((error) => error);
    const all = [await pending, later, room, late, chat.ended];
    tell(all.map((one) => one === error));
    tell([chat.emit("shout", "x"), chat.state]);
    """
    if module == "open.js":
        source = source.replace("{ auth,", "{")
    with lab.run(source, module=module) as script:
        told = [value for value in script.result() if value != "open"]
    assert told == [
        ["auth", "unauthorized", "Log in first.", {"page": "/login"}],
        "closed",
        TOLD,
        [True] * 5,
        ["dropped", "closed"],
    ]
    assert len(lab.server.peers) == 1


def test_data_of_the_refusal_is_read_as_its_type(lab: Lab) -> None:
    """Bytes of a declared refusal are bytes, whenever the refusal comes."""
    lab.script.greets = lambda peer: peer.send(
        {"type": 6, "data": {"error": {"code": "unauthorized", "message": "", "data": b"k"}}}
    )
    source = """
    const files = connect(url, { codec: "binary" });
    files.onError(() => {});
    const { data } = await files.ready.catch((error) => error);
    tell([data instanceof Uint8Array, ...data]);
    """
    with lab.run(source, module="files.js") as script:
        assert script.result() == [[True, 107]]


def test_a_client_is_not_ready_before_the_server_said_anything(lab: Lab) -> None:
    """Without credentials: the answer to a ping says that the server let it in."""
    source = """
    const chat = connect(url);
    await chat.ready;
    tell(chat.state);
    chat.close();
    """
    with lab.run(source, module="open.js") as script:
        assert script.result() == ["open"]
    assert lab.server.log() == [["ping"]]


def test_a_silent_server_makes_ready_late_and_no_more(lab: Lab) -> None:
    lab.script.answers_pings = False
    source = """
    const chat = connect(url, { heartbeat: { interval: 0 } });
    chat.emit("shout", "at once");
    await chat.ready;
    tell("ready");
    chat.close();
    """
    with lab.run(source, module="open.js") as script:
        assert script.result() == ["ready"]
    assert lab.server.log() == [[{"event": "shout", "data": "at once"}]]


def test_a_handshake_that_fails_is_tried_again(lab: Lab) -> None:
    lab.script.status = 401
    source = f"""
    const chat = connect(url, {{ {FAST} }});
    chat.onError(() => {{}});
    chat.onState((state, ending) => state === "waiting" && tell(["lost", ending.code]));
    chat.ready.then(() => tell(["in", chat.ended ?? null]));
    """
    with lab.run(source, module="open.js") as script:
        lab.server.wait(lambda server: len(server.paths) > 2)
        lab.script.status = None
        script.wait(["in", None])
        assert script.told[0] == ["lost", 1006]


def test_closing_the_client_in_its_error_hook_does_not_hide_the_error(lab: Lab) -> None:
    lab.script.auth = lambda _: False
    source = """
    const chat = connect(url, { auth });
    chat.onError(() => chat.close());
    await chat.ready.catch(tellCode);
    tell(chat.ended.code);
    """
    with lab.run(source) as script:
        assert script.result() == ["unauthorized"] * 2


FINAL = {
    **dict.fromkeys((1000, 1008, 4002, 4009, 4011, 4399, 4500), False),
    **dict.fromkeys((4003, 4010, 4400, 4499), True),
}


@pytest.mark.parametrize(("code", "is_final"), FINAL.items())
def test_a_close_by_the_server_is_final_as_the_table_says(
    lab: Lab, code: int, is_final: bool
) -> None:
    source = f"""
    {SHOW}
    const chat = connect(url, {{ auth, {FAST} }});
    chat.onError((report) => tell(["error", report.code]));
    await chat.ready;
    let opened = 1;
    chat.onState((state, ending) => {{
      if (ending) tell([state, ending]);
      if (state === "open") tell(["open", ++opened]);
    }});
    tell("in");
    const sent = {POST}.catch((error) => error);
    const error = await sent;
    if (error.closeCode === undefined) tellCode(error);
    else {{
      tellError(error);
      const later = await {POST}.catch((error) => error);
      const again = await chat.ready.catch((error) => error);
      tell([later, again, chat.ended].map((one) => one === error));
    }}
    """
    lab.script.knows_replies = False
    with lab.run(source) as script:
        script.wait("in")
        lab.server.wait(lambda server: len(server.log()[0]) == 2)
        lab.server.peers[0].connection.close(code, "as told")
        if is_final:
            told = script.result()
        else:
            script.wait(["open", 2])
            told = script.told
    ending = {"code": code, "reason": "as told"}
    if not is_final:
        assert ["waiting", ending] in told
        assert "disconnected" in told
        return
    assert told == [
        "in",
        ["error", "disconnected"],
        ["closed", ending],
        ["RequestError", "disconnected", f"closed with {code} as told", None, code, "as told"],
        [True] * 3,
    ]
    assert len(lab.server.peers) == 1


def test_a_final_close_while_the_client_still_authenticates_is_final(lab: Lab) -> None:
    lab.script.greets = lambda peer: peer.connection.close(4400, "closed for good")
    source = f"""
    {SHOW}
    const chat = connect(url, {{ auth, {FAST} }});
    chat.onError(() => {{}});
    await chat.ready.catch(tellError);
    """
    message = "closed with 4400 closed for good"
    with lab.run(source) as script:
        expected = ["RequestError", "disconnected", message, None, 4400, "closed for good"]
        assert script.result() == [expected]


def test_a_missed_pong_closes_with_4003_and_comes_back(lab: Lab) -> None:
    lab.script.answers_pings = False
    source = f"""
    const chat = connect(url, {{ auth, {FAST}, heartbeat: {{ interval: 10, timeout: 100 }} }});
    chat.onError(() => {{}});
    chat.onState((state, ending) => ending && tell([state, ending]));
    """
    with lab.run(source) as script:
        script.wait(["waiting", {"code": 4003, "reason": "Pong timeout"}])
        lab.server.wait(lambda server: len(server.peers) > 1)


def test_the_clients_own_close_is_an_ending_too(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    await chat.ready;
    tell(chat.ended === undefined);
    chat.onState((state, ending) => tell([state, ending]));
    chat.close();
    const error = await chat.ready.catch((error) => error);
    tell([error.code, chat.ended === error]);
    """
    with lab.run(source) as script:
        closed = ["closed", {"code": 1000, "reason": "normal"}]
        assert script.result() == [True, closed, ["disconnected", True]]


# ---- removed from a room

REMOVED: dict[str, Any] = {"type": 38, "room": "lobby", "code": "removed", "message": "Go."}


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("code", ["removed", "banned"])
def test_a_removal_ends_every_handle_of_the_room(lab: Lab, code: str, codec: str) -> None:
    source = f"""
    const chat = connect(url, {{ auth, codec: "{codec}" }});
    const [one, two] = [chat.join("lobby"), chat.join("lobby")];
    const other = chat.join("doc:{{doc_id}}", {{ doc_id: "d" }});
    await Promise.all([one.ready, two.ready, other.ready]);
    const left = [];
    one.onLeft((removal) => left.push(["one", removal]));
    two.onLeft((removal) => left.push(["two", removal]))();
    two.onLeft((removal) => left.push(["again", removal]));
    other.onLeft(() => left.push("other"));
    const arrivals = one.events("chat:posted");
    tell("in");
    tell((await arrivals.next()).done);
    tell(left);
    const heart = {{ emoji: "heart" }};
    tell([one, two].map((room) => room.emit("chat:reaction", heart)));
    const refused = ({{ code, message }}) => tell([code, message]);
    await one.request("chat:reaction", heart).catch(refused);
    await one.ready.catch(tellCode);
    one.leave();
    two.leave();
    tell([other.emit("doc:save"), chat.emitRooms([one, two], "chat:reaction", {{ emoji: "+1" }})]);
    await chat.request("chat:post", {{ text: "x" }});
    chat.close();
    """
    with lab.run(source) as script:
        script.wait("in")
        lab.server.send({**REMOVED, "code": code})
        removal = {"code": code, "message": "Go."}
        assert script.result() == [
            "in",
            True,
            [["one", removal], ["again", removal]],
            ["dropped", "dropped"],
            [code, "Go."],
            code,
            ["sent", "dropped"],
        ]
    sent = lab.server.log()[0]
    assert not any(message.get("type") == 12 for message in sent)
    assert not any(message.get("room") == "lobby" and "event" in message for message in sent)


def test_a_removed_room_is_not_joined_again_but_by_a_new_join(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const old = chat.join("lobby");
    await old.ready;
    old.onLeft(async () => {{
      tell("left");
      const lobby = chat.join("lobby");
      await lobby.ready;
      lobby.onLeft(() => tell("left again"));
      tell([old, lobby].map((room) => room.emit("chat:reaction", {{ emoji: "+1" }})));
    }});
    chat.onState((state) => tell(state));
    tell("in");
    """
    with lab.run(source) as script:
        script.wait("in")
        lab.server.send(REMOVED)
        script.wait(["dropped", "sent"])
        lab.server.send(REMOVED)
        script.wait("left again")
        lab.server.kill()
        script.wait("open")
        lab.server.wait(lambda server: len(server.log()) == 2)
        lab.server.send({"event": "chat:posted", "data": {}})
    joins = [[m for m in peer if m.get("type") == 9] for peer in lab.server.log()]
    assert joins == [[{"type": 9, "room": "lobby"}] * 2, []]


def test_a_removal_while_a_join_is_under_way_is_ignored(lab: Lab) -> None:
    """It tells of an earlier membership: the answer to the join decides."""
    lab.script.greets = lambda peer: peer.send(REMOVED)
    source = """
    const chat = connect(url);
    const lobby = chat.join("lobby");
    lobby.onLeft(() => tell("left"));
    await lobby.ready;
    tell(lobby.emit("chat:reaction", { emoji: "+1" }));
    chat.close();
    """
    with lab.run(source, module="open.js") as script:
        assert script.result() == ["sent"]


def test_a_removal_from_a_room_that_nobody_holds_is_ignored(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    chat.onError((report) => tell(report));
    await chat.ready;
    chat.on("chat:posted", () => chat.close());
    tell("in");
    """
    with lab.run(source) as script:
        script.wait("in")
        lab.server.send(REMOVED)
        lab.server.send({"type": 38})
        lab.server.send({"event": "chat:posted", "data": {}})
        assert script.result() == ["in"]


def test_what_waited_for_the_removed_room_is_dropped(lab: Lab) -> None:
    """A request that was not sent yet fails with the removal's code."""
    source = """
    const target = new EventTarget();
    globalThis.addEventListener = target.addEventListener.bind(target);
    const chat = connect(url, { auth });
    const doc = chat.join("doc:{doc_id}", { doc_id: "d" });
    await doc.ready;
    chat.onDropped(({ event, room, reason }) => tell([event, room, reason]));
    target.dispatchEvent(new Event("offline"));
    doc.request("doc:save").catch(tellCode);
    tell(doc.emit("doc:save"));
    """
    with lab.run(source) as script:
        script.wait("queued")
        lab.server.send({**REMOVED, "room": "doc:d"})
        script.wait(["doc:save", "doc:d", "left"])
        script.wait("removed")
