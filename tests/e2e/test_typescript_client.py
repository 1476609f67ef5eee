"""The generated client in Node.js, against a server that speaks the protocol by script."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from bytesocket_app.wire import JSON
from bytesocket_cli.codegen.typescript import javascript, typescript
from tests.support import contracts
from tests.support.node import Script
from tests.support.scripted_server import Refuse, ScriptedServer
from tests.support.scripted_server import Script as ServerScript

FAST = "reconnect: { min: 5, max: 20 }"
LOGIN = {"type": 4, "data": {"token": "t"}}


class Lab:
    """A scripted server and the generated clients; `run` starts a program against them."""

    def __init__(self, folder: Path, script: ServerScript) -> None:
        self.folder = folder
        self.server = ScriptedServer(script)
        self.script = script
        for name, document in {
            "chat": contracts.chat(),
            "open": contracts.chat(auth=False),
            "files": contracts.files(),
        }.items():
            (folder / f"{name}.js").write_text(javascript(document)[0], encoding="utf-8")
            (folder / f"{name}.ts").write_text(typescript(document), encoding="utf-8")
        (folder / "package.json").write_text('{"type": "module"}')

    def run(self, source: str, *, module: str = "chat.js") -> Script:
        """Start a program that has `connect`, `RequestError`, `url` and `auth`."""
        prelude = (
            f"import {{ connect, RequestError }} from './{module}';\n"
            f"const url = '{self.server.url}/ws';\n"
            "const auth = { token: 't' };\n"
        )
        return Script(self.folder, prelude + source)


@pytest.fixture
def lab(tmp_path: Path) -> Generator[Lab]:
    script = ServerScript(
        auth=lambda data: data == {"token": "t"},
        replies={"chat:post": lambda data: {"message_id": len(data["text"])}},
    )
    lab = Lab(tmp_path, script)
    with lab.server:
        yield lab


def test_a_client_authenticates_and_gets_typed_replies_and_events(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth, params: { lang: "en" } });
    tell(chat.state);
    await chat.ready;
    tell(chat.state);
    chat.on("chat:posted", (posted, arrival) => { tell(posted); tell(arrival); chat.close(); });
    tell(await chat.request("chat:post", { text: "hello" }));
    tell("waiting for an event");
    """
    with lab.run(source) as script:
        script.wait("waiting for an event")
        lab.server.send({"event": "chat:posted", "data": {"author": "a", "text": "b"}})
        told = script.result()
    assert told == [
        "connecting",
        "open",
        {"message_id": 5},
        "waiting for an event",
        {"author": "a", "text": "b"},
        {},
    ]
    assert lab.server.paths == [f"/ws?lang=en&contract={contracts.chat()['fingerprint']}"]
    assert lab.server.log()[0][0] == LOGIN
    assert lab.server.wait(lambda server: server.peers[0].close_code) == 1000


@pytest.mark.parametrize("module", ["chat.ts", "chat.js"])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_typescript_and_javascript_run_on_both_codecs(lab: Lab, module: str, codec: str) -> None:
    source = f"""
    const chat = connect(new URL(url.replace("ws", "http")), {{ auth, codec: "{codec}" }});
    tell(await chat.request("chat:post", {{ text: "€".repeat(70), extra: [1.5, -1, 64, 2 ** 40] }}));
    chat.close();
    """
    with lab.run(source, module=module) as script:
        assert script.result() == [{"message_id": 70}]
    assert lab.server.log()[0][1]["data"] == {"text": "€" * 70, "extra": [1.5, -1, 64, 2**40]}
    assert lab.server.peers[0].codec.name == {"json": "json", "msgpack": "binary"}[codec]


def test_auth_is_called_at_every_connect(lab: Lab) -> None:
    source = f"""
    let calls = 0;
    const chat = connect(url, {{ auth: async () => {{ tell(++calls); return auth; }}, {FAST} }});
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.kill()
        script.wait(2)
        lab.server.wait(lambda server: server.log()[1:] == [[LOGIN]])


def test_an_auth_function_that_fails_is_reported_and_tried_again(lab: Lab) -> None:
    source = f"""
    let calls = 0;
    const chat = connect(url, {{ auth: () => {{ if (++calls < 3) throw new Error("no token"); return auth; }}, {FAST} }});
    chat.onError((report) => tell([report.phase, report.message.includes("no token")]));
    await chat.ready;
    tell("open");
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [["network", True], ["network", True], "open"]


def test_refused_credentials_end_the_client(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth: {{ token: "wrong" }}, {FAST} }});
    chat.onState(tell);
    chat.onError((report) => tell([report.phase, report.code, report.message]));
    const asked = chat.request("chat:post", {{ text: "x" }}).catch((error) => [error instanceof RequestError, error.code]);
    await chat.ready.catch((error) => tell([error.name, error.code]));
    tell(await asked);
    tell(chat.emit("shout", "hello?"));
    """
    with lab.run(source) as script:
        assert script.result() == [
            ["auth", "unauthorized", "who are you?"],
            "closed",
            ["RequestError", "unauthorized"],
            [True, "unauthorized"],
            "dropped",
        ]
    assert len(lab.server.peers) == 1


def test_requests_reject_with_the_servers_code_and_data(lab: Lab) -> None:
    def refuse(data: Any) -> Any:
        error = {"code": "muted", "message": "Not now", "data": {"until": "2030"}}
        raise Refuse({"phase": "handler", "error": error, "event": "chat:post"})

    lab.script.replies["chat:post"] = refuse
    source = """
    const chat = connect(url, { auth });
    const error = await chat.request("chat:post", { text: "x" }).catch((error) => error);
    tell([error.code, error.message, error.data, error.details]);
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [["muted", "Not now", {"until": "2030"}, []]]


def test_requests_end_by_deadline_signal_and_disconnection(lab: Lab) -> None:
    lab.script.knows_replies = False
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const post = (options) => chat.request("chat:post", {{ text: "x" }}, options).catch((error) => tell([error.name, error.code]));
    await chat.ready;
    await post({{ timeoutMs: 1 }});
    await post({{ signal: AbortSignal.abort() }});
    const controller = new AbortController();
    const aborted = post({{ signal: controller.signal }});
    controller.abort();
    await aborted;
    const lost = post({{}});
    tell("in flight");
    await lost;
    chat.close();
    """
    with lab.run(source) as script:
        script.wait("in flight")
        lab.server.wait(lambda server: len(server.log()[0]) == 4)
        lab.server.kill()
        assert script.result() == [
            ["RequestError", "timeout"],
            ["AbortError", 20],
            ["AbortError", 20],
            "in flight",
            ["RequestError", "disconnected"],
        ]


def test_after_a_loss_rooms_are_rejoined_once_before_the_queue_goes_out(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const lobby = chat.join("lobby");
    const again = chat.join("lobby");
    const doc = chat.join("doc:{{doc_id}}", {{ doc_id: "d1" }});
    chat.join("doc:{{doc_id}}", {{ doc_id: "left" }}).leave();
    await Promise.all([lobby.ready, doc.ready]);
    chat.onState((state) => {{
      if (state !== "waiting") return;
      tell([
        lobby.emit("chat:reaction", {{ emoji: "+1" }}),
        chat.emit("chat:typing", {{ who: "me" }}),
        doc.emit("doc:move", {{ x: 1, y: 2 }}),
        chat.emit("shout", "queued"),
      ]);
      chat.request("chat:post", {{ text: "later" }}).then(tell);
    }});
    tell("ready");
    """
    with lab.run(source) as script:
        script.wait("ready")
        lab.server.kill()
        script.wait({"message_id": 5})
        assert script.told[1] == ["queued", "dropped", "dropped", "queued"]
    first, second = lab.server.log()
    assert first == [LOGIN, {"type": 9, "room": "lobby"}, {"type": 9, "room": "doc:d1"}]
    assert second == [
        LOGIN,
        {"type": 9, "room": "lobby"},
        {"type": 9, "room": "doc:d1"},
        {"room": "lobby", "event": "chat:reaction", "data": {"emoji": "+1"}},
        {"event": "shout", "data": "queued"},
        {"event": "chat:post", "data": {"text": "later"}, "id": 1},
    ]


def test_handles_of_one_room_are_counted(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const one = chat.join("lobby");
    const two = chat.join("lobby");
    await Promise.all([one.ready, two.ready, chat.join("lobby").ready]);
    chat.on("chat:posted", (posted, { room }) => tell(["client", posted.text, room]));
    one.on("chat:posted", (posted) => { tell(["one", posted.text]); one.leave(); one.leave(); });
    two.on("chat:posted", (posted) => tell(["two", posted.text]));
    tell("listening");
    """
    posted = {"room": "lobby", "event": "chat:posted", "data": {"author": "a", "text": "1"}}
    with lab.run(source) as script:
        script.wait("listening")
        lab.server.send(posted)
        lab.server.send({**posted, "data": {"author": "a", "text": "2"}})
        script.wait(["client", "2", "lobby"])
    assert script.told[1:] == [
        ["one", "1"],
        ["two", "1"],
        ["client", "1", "lobby"],
        ["two", "2"],
        ["client", "2", "lobby"],
    ]
    assert lab.server.log()[0][1:] == [{"type": 9, "room": "lobby"}]


def test_the_last_leave_leaves_and_a_later_join_joins_anew(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const one = chat.join("lobby");
    const two = chat.join("lobby");
    await one.ready;
    one.leave();
    two.leave();
    tell([two.emit("chat:reaction", { emoji: "+1" })]);
    await chat.join("lobby").ready;
    tell("back");
    """
    with lab.run(source) as script:
        script.wait("back")
        assert script.told[0] == ["dropped"]
    assert [message["type"] for message in lab.server.log()[0]] == [4, 9, 12, 9]


def test_a_refused_room_is_told_and_may_be_asked_for_again(lab: Lab) -> None:
    lab.script.refused_rooms["lobby"] = {
        "phase": "onJoinRoom",
        "error": {"code": "refused", "message": "Members only"},
    }
    source = """
    const chat = connect(url, { auth });
    chat.onError((report) => tell([report.phase, report.room, report.message]));
    chat.join("lobby");   // nobody looks at its promise
    const lobby = chat.join("lobby");
    await lobby.ready.catch((error) => tell(error.code));
    chat.on("chat:posted", async () => { await chat.join("lobby").ready; tell("in"); chat.close(); });
    tell("listening");
    """
    with lab.run(source) as script:
        script.wait("listening")
        lab.script.refused_rooms.clear()
        lab.server.send({"event": "chat:posted", "data": {}})
        assert script.result() == [
            ["onJoinRoom", "lobby", "Members only"],
            "refused",
            "listening",
            "in",
        ]


def test_a_message_to_several_rooms_arrives_once_in_each_joined_room(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const lobby = chat.join("lobby");
    await lobby.ready;
    lobby.once("chat:posted", (posted, arrival) => tell(["lobby", arrival]));
    chat.once("chat:posted", (posted, arrival) => tell(["client", arrival]));
    tell("listening");
    """
    with lab.run(source) as script:
        script.wait("listening")
        rooms = ["lobby", "other", "lobby"]
        for _ in range(2):
            lab.server.send({"rooms": rooms, "event": "chat:posted", "data": {}})
        script.wait(["client", {"rooms": rooms}])
    assert script.told[1:] == [["lobby", {"room": "lobby"}], ["client", {"rooms": rooms}]]


def test_a_full_queue_drops_the_new_message_and_says_so(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth: () => new Promise(() => {}), queueSize: 2 });
    chat.onDropped(tell);
    tell(["a", "b", "c"].map((text) => chat.emit("shout", text)));
    await chat.request("chat:post", { text: "d" }).catch((error) => tell(error.code));
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [
            {"event": "shout", "data": "c", "reason": "full"},
            ["queued", "queued", "dropped"],
            {"event": "chat:post", "data": {"text": "d"}, "reason": "full"},
            "dropped",
            {"event": "shout", "data": "a", "reason": "closed"},
            {"event": "shout", "data": "b", "reason": "closed"},
        ]


def test_a_queued_request_gives_up_at_its_deadline_and_is_not_sent(lab: Lab) -> None:
    source = """
    let open;
    const chat = connect(url, { auth: () => new Promise((resolve) => { open = () => resolve(auth); }) });
    await chat.request("chat:post", { text: "x" }, { timeoutMs: 5 }).catch((error) => tell(error.code));
    chat.emit("shout", "now");
    open();
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.wait(lambda server: len(server.log()[0]) == 2)
    assert script.told == ["timeout", "open"]
    assert lab.server.log()[0] == [LOGIN, {"event": "shout", "data": "now"}]


def test_a_silent_connection_is_given_up(lab: Lab) -> None:
    lab.script.answers_pings = False
    source = f"""
    const chat = connect(url, {{ auth, {FAST}, heartbeat: {{ interval: 10, timeout: 50 }} }});
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.wait(lambda server: server.peers[0].close_code)
        lab.server.wait(lambda server: len(server.peers) > 1)
    assert lab.server.peers[0].close_code == 4003
    assert lab.server.log()[0][1] == "ping"


def test_an_answered_heartbeat_keeps_the_connection(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth, heartbeat: { interval: 5, timeout: 5000 } });
    chat.onState(tell);
    """
    with lab.run(source) as script:
        lab.server.wait(lambda server: server.log() and server.log()[0].count("ping") > 5)
        assert script.told == ["open"]


def test_a_failed_dial_leads_to_another(lab: Lab) -> None:
    lab.script.status = 503
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const reported = new Promise((resolve) => chat.onError((report) => resolve(tell([report.phase, report.code]))));
    await reported;
    tell(chat.state);
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait(["network", "disconnected"])
        lab.server.wait(lambda server: len(server.paths) > 2)
        lab.script.status = None
        script.wait("open")
    assert script.told[1] == "waiting"


def test_iterating_over_events_ends_with_the_signal_and_with_the_client(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const controller = new AbortController();
    const first = chat.events("chat:posted");
    const second = chat.events("chat:posted", { signal: controller.signal });
    await chat.ready;
    tell("open");
    for await (const posted of first) { tell(["first", posted]); if (posted === 2) break; }
    for await (const posted of second) { tell(["second", posted]); if (posted === 2) controller.abort(); }
    const third = chat.events("chat:posted");
    queueMicrotask(() => chat.close());
    for await (const posted of third) tell("never");
    tell("done");
    """
    with lab.run(source) as script:
        script.wait("open")
        for number in (1, 2):
            lab.server.send({"event": "chat:posted", "data": number})
        assert script.result()[1:] == [
            ["first", 1],
            ["first", 2],
            ["second", 1],
            ["second", 2],
            "done",
        ]


def test_neither_bad_listeners_nor_bad_messages_break_the_client(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    chat.onError((report) => { tell([report.phase, report.code, report.message]); throw new Error("again"); });
    chat.on("chat:posted", () => { throw new Error("sync"); });
    chat.on("chat:posted", async () => { throw new Error("async"); });
    chat.on("chat:posted", (posted) => tell(posted));
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        peer = lab.server.peers[0]
        peer.connection.send("{")
        peer.connection.send(b"\xc1")
        for harmless in (None, 5, [], {}, {"type": 99}, {"type": 10, "room": "unknown"}):
            peer.send(harmless)
        peer.send({"type": 32, "id": 77})
        contexts: list[Any] = [
            {"phase": "onX", "error": ["Error", "from a list", None]},
            {"error": "from a text"},
            {"phase": "validation", "error": {"code": "validation", "message": "wrong"}},
            {},
        ]
        for context in contexts:
            peer.send({"type": 3, "data": context})
        peer.send({"event": "chat:posted", "data": 1})
        script.wait(["listener", "internal", "Error: async"])
    assert [told[0] for told in script.told[1:3]] == ["decode", "decode"]
    assert script.told[3:] == [
        ["onX", "refused", "from a list"],
        ["server", "refused", "from a text"],
        ["validation", "validation", "wrong"],
        ["server", "refused", "The server refused"],
        ["listener", "internal", "Error: sync"],
        1,
        ["listener", "internal", "Error: async"],
    ]


def test_off_and_unsubscribing_stop_listeners(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const count = (name) => () => tell(name);
    const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(count);
    chat.on("chat:posted", a);
    chat.on("chat:posted", a);
    chat.on("chat:posted", b)();
    chat.on("chat:posted", c);
    chat.off("chat:posted", c);
    chat.once("chat:posted", d);
    chat.on("chat:posted", () => chat.off("chat:posted", e));
    chat.on("chat:posted", e);
    chat.on("chat:typing", () => { chat.off("chat:posted"); tell("off"); });
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        posted = {"event": "chat:posted", "data": {}}
        for message in (posted, posted, {"event": "chat:typing", "data": {}}, posted, posted):
            lab.server.send(message)
        lab.server.send({"event": "chat:typing", "data": {}})
        script.wait("off")
    assert script.told[1:5] == ["a", "d", "a", "off"]


def test_empty_payloads_are_left_out_and_sent_as_an_empty_object(lab: Lab) -> None:
    lab.script.replies |= {"ping": lambda data: "pong", "doc:save": lambda data: {"message_id": 1}}
    source = """
    const chat = connect(url, { auth });
    chat.emit("ping");
    tell(await chat.request("ping", { timeoutMs: 5000 }));
    tell(await chat.join("doc:{doc_id}", { doc_id: "d" }).request("doc:save"));
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == ["pong", {"message_id": 1}]
    assert [m.get("data") for m in lab.server.log()[0][1:]] == [{}, {}, None, {}]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_bytes_travel_as_text_in_json_and_raw_in_messagepack(lab: Lab, codec: str) -> None:
    lab.script.auth = None
    text = codec == "json"
    lab.script.replies["file:put"] = lambda data: {
        "digest": "dig" if text else b"dig",
        "chunks": ["a", "b"] if text else [b"a", b"b"],
    }
    source = f"""
    const bytes = (text) => new TextEncoder().encode(text);
    const files = connect(url, {{ codec: "{codec}" }});
    const show = (value) => JSON.parse(JSON.stringify(value, (_, v) => v instanceof Uint8Array ? "bytes:" + new TextDecoder().decode(v) : v));
    files.on("file:folder", (folder) => {{ tell(show(folder)); files.close(); }});
    tell(show(await files.request("file:put", {{
      name: "n",
      body: {{ kind: "blob", data: bytes("blöb") }},
      thumbnail: new Uint8Array([251, 255, 254]),
      parts: {{ ["__proto__"]: bytes("p") }},
      first: ["x", bytes("y")],
    }})));
    files.emit("file:raw", bytes("raw"));
    files.request("file:put", {{ name: "n", body: {{ kind: "note", data: "text" }}, thumbnail: null }}).then(() => tell("sent"));
    """
    with lab.run(source, module="files.js") as script:
        script.wait("sent")
        blob = {"data": "b" if text else b"b"}
        folder = {"children": [{"children": [], "blob": blob}]}
        lab.server.send({"event": "file:folder", "data": folder})
        told = script.result()
    assert told == [
        {"digest": "bytes:dig", "chunks": ["bytes:a", "bytes:b"]},
        "sent",
        {"children": [{"children": [], "blob": {"data": "bytes:b"}}]},
    ]
    upload, raw, note = lab.server.log()[0]
    assert upload["data"] == {
        "name": "n",
        "body": {"kind": "blob", "data": "blöb" if text else "blöb".encode()},
        "thumbnail": "-__-" if text else b"\xfb\xff\xfe",
        "parts": {"__proto__": "p" if text else b"p"},
        "first": ["x", "y" if text else b"y"],
    }
    assert raw["data"] == ("raw" if text else b"raw")
    assert note["data"]["body"] == {"kind": "note", "data": "text"}


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_what_a_codec_would_lose_is_refused_at_the_call(lab: Lab, codec: str) -> None:
    source = f"""
    class Point {{ x = 1; }}
    const chat = connect(url, {{ auth, codec: "{codec}" }});
    for (const value of [new Map(), new Set(), new Point(), new ArrayBuffer(1), {{ deep: [new Map()] }}]) {{
      try {{ tell(chat.emit("shout", value)); }} catch (error) {{ tell(error instanceof TypeError); }}
    }}
    await chat.request("chat:post", new Map()).catch((error) => tell(error.name));
    tell(chat.emit("shout", {{ when: new Date(0), none: undefined, bare: Object.create(null) }}));
    chat.on("chat:posted", () => chat.close());
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.send({"event": "chat:posted", "data": {}})
        assert script.result() == [True] * 5 + ["TypeError", "queued", "open"]
    shout = {"event": "shout", "data": {"when": "1970-01-01T00:00:00.000Z", "bare": {}}}
    assert lab.server.log()[0][1] == shout


def test_messagepack_values_survive_both_ways(lab: Lab) -> None:
    values: list[Any] = [
        None, True, False, 0, 63, 64, 72, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32,
        -1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, 2**53, 1.5, -0.5, 1e300,
        "", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a" * 65536, "\u20ac\U0001f600",
        [], list(range(15)), list(range(16)), list(range(70000)),
        {}, {str(n): n for n in range(15)}, {str(n): n for n in range(16)},
        {"__proto__": {"a": 1}, "constructor": 2},
    ]  # fmt: skip
    source = """
    const chat = connect(url, { auth, codec: "msgpack" });
    chat.on("chat:posted", (value) => chat.emit("shout", value));
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        for value in values:
            lab.server.send({"event": "chat:posted", "data": value})
        lab.server.wait(lambda server: len(server.log()[0]) == len(values) + 1)
    assert [message["data"] for message in lab.server.log()[0][1:]] == values


def test_big_integers_are_bigints_on_messagepack(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth, codec: "msgpack" });
    chat.on("chat:posted", (value) => { tell([typeof value, String(value)]); chat.emit("shout", value); });
    await chat.ready;
    for (const value of [5n, -5n, 2n ** 53n, 2n ** 64n - 1n]) chat.emit("shout", value);
    try { chat.emit("shout", 2n ** 64n); } catch (error) { tell(error.name); }
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        for value in (2**63, -(2**62)):
            lab.server.send({"event": "chat:posted", "data": value})
        lab.server.wait(lambda server: len(server.log()[0]) == 7)
    assert script.told == [
        "RangeError",
        "open",
        ["bigint", str(2**63)],
        ["bigint", str(-(2**62))],
    ]
    sent = [message["data"] for message in lab.server.log()[0][1:]]
    assert sent == [5, -5, 2**53, 2**64 - 1, 2**63, -(2**62)]


def test_a_server_may_answer_in_another_codec(lab: Lab) -> None:
    lab.script.codec = JSON
    source = """
    const chat = connect(url, { auth, codec: "msgpack" });
    tell(await chat.request("chat:post", { text: "x" }));
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [{"message_id": 1}]


def test_using_closes_and_leaves(lab: Lab) -> None:
    source = """
    {
      await using chat = connect(url, { auth });
      {
        using lobby = chat.join("lobby");
        await lobby.ready;
      }
      await chat.request("chat:post", { text: "x" });
    }
    tell("closed");
    """
    with lab.run(source) as script:
        assert script.result() == ["closed"]
    assert [message.get("type") for message in lab.server.log()[0]] == [4, 9, 12, None]


def test_a_client_without_auth_opens_at_once_and_without_a_url_needs_a_page(lab: Lab) -> None:
    source = """
    try { connect(); } catch (error) { tell(error.message); }
    try { connect("ftp://127.0.0.1/"); } catch (error) { tell(error.message); }
    globalThis.location = { href: url.replace("ws", "http").replace("/ws", "/page?x=1#y") };
    const chat = connect();
    await chat.ready;
    chat.close();
    await chat.ready.catch((error) => tell(error.code));
    """
    with lab.run(source, module="open.js") as script:
        told = script.result()
    assert 'such as "ws://127.0.0.1:8000/ws"' in told[0]
    assert "ftp://127.0.0.1/" in told[1]
    assert told[2:] == ["disconnected"]
    assert lab.server.paths[0].startswith("/ws?contract=")


def test_a_platform_without_websocket_is_told_to_pass_one(lab: Lab) -> None:
    source = """
    const WebSocket = globalThis.WebSocket;
    delete globalThis.WebSocket;
    try { connect(url, { auth }); } catch (error) { tell(error.message); }
    const chat = connect(url, { auth, WebSocket });
    await chat.ready;
    chat.close();
    """
    with lab.run(source) as script:
        assert "connect(url, { WebSocket })" in script.result()[0]
