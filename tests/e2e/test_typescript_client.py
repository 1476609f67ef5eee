"""The generated client in Node.js: authenticating, asking, listening."""

from typing import Any

import pytest

from tests.support import contracts
from tests.support.scripted_server import Refuse
from tests.support.typescript_lab import FAST, LOGIN, Lab


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


def test_refused_credentials_end_the_client(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth: {{ token: "wrong" }}, {FAST} }});
    chat.onState(tell);
    chat.onError((report) => tell([report.phase, report.code, report.message]));
    const answer = chat.request("chat:post", {{ text: "x" }});
    const asked = answer.catch((error) => [error instanceof RequestError, error.code]);
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


def test_iterating_over_events_ends_with_the_signal_and_with_the_client(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const controller = new AbortController();
    const first = chat.events("chat:posted");
    const second = chat.events("chat:posted", { signal: controller.signal });
    await chat.ready;
    tell("open");
    for await (const posted of first) {
      tell(["first", posted]);
      if (posted === 2) break;
    }
    for await (const posted of second) {
      tell(["second", posted]);
      if (posted === 2) controller.abort();
    }
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
    chat.onError((report) => {
      tell([report.phase, report.code, report.message]);
      throw new Error("again");
    });
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
        harmless: list[object] = [None, 5, [], {}, {"type": 99}, {"type": 10, "room": "unknown"}]
        for message in harmless:
            peer.send(message)
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
        for event in ("posted", "posted", "typing", "posted", "posted", "typing"):
            lab.server.send({"event": f"chat:{event}", "data": {}})
        script.wait("off")
    assert script.told[1:5] == ["a", "d", "a", "off"]


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


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("module", ["chat.ts", "chat.js"])
def test_functions_need_no_client_before_them(lab: Lab, module: str, codec: str) -> None:
    """And an event without a reply resolves to nothing, outside rooms and in them."""
    lab.script.replies |= {"shout": lambda _: None, "doc:save": lambda _: {"message_id": 7}}
    lab.script.replies |= {"doc:move": lambda _: None}
    source = f"""
    const client = connect(url, {{ auth, codec: "{codec}" }});
    const {{ on, once, off, events, emit, request, join }} = client;
    const {{ onState, onError, onDropped, close }} = client;
    const {{ on: hear, once: hearOnce, request: ask, emit: say, leave }} =
      join("doc:{{doc_id}}", {{ doc_id: "d" }});
    const gone = () => tell("gone");
    on("chat:posted", gone);
    off("chat:posted", gone);
    hear("chat:posted", (posted) => tell(["room", posted.text]));
    hearOnce("chat:posted", () => tell("room once"));
    const silence = on("chat:posted", (posted) => tell(["all", posted.text]));
    once("chat:posted", () => tell("once"));
    onState((state) => tell(state));
    onError(() => {{}});
    onDropped(() => {{}});
    const iterator = events("chat:posted");
    await client.ready;
    const moved = await ask("doc:move", {{ x: 1, y: 2 }});
    tell([await request("shout", "text"), moved, await ask("doc:save")]);
    tell([emit("shout", "x"), say("doc:save")]);
    tell((await iterator.next()).value.text);
    silence();
    leave();
    close();
    """
    with lab.run(source, module=module) as script:
        sent = ["sent", "sent"]
        script.wait(sent)
        posted = {"author": "a", "text": "t"}
        lab.server.send({"event": "chat:posted", "room": "doc:d", "data": posted})
        told = script.result()
    assert told == [
        "open",
        [None, None, {"message_id": 7}],
        sent,
        ["room", "t"],
        "room once",
        ["all", "t"],
        "once",
        "t",
        "closed",
    ]


def test_the_query_of_the_address_stays_as_it_is_written(lab: Lab) -> None:
    """Only `contract` and the `params` are set in it."""
    query = "token=a%20b~(c);d&flag&contract=old&x=1&toString=1"
    source = f"""
    const chat = connect(`${{url}}?{query}`, {{ auth, params: {{ x: "a b&c" }} }});
    await chat.ready;
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == []
    path, _, own = lab.server.paths[0].partition("contract=")
    assert path == "/ws?token=a%20b~(c);d&flag&toString=1&x=a%20b%26c&"
    assert len(own) == 64
