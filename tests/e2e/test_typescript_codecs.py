"""What the generated client in Node.js sends and reads, on both codecs."""

from datetime import date
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from bytesocket_app.contract import ContractSource, EventEntry, build
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import BINARY, JSON
from bytesocket_cli.codegen.typescript import javascript
from tests.support import contracts
from tests.support.contracts import BYTES, event, minimal, model, ref, room, room_event, sealed
from tests.support.scripted_server import Refuse
from tests.support.typescript_lab import Lab


@pytest.mark.parametrize("module", ["chat.ts", "chat.js"])
@pytest.mark.parametrize("codec", ["json", "binary", "msgpack"])
def test_typescript_and_javascript_run_on_both_codecs(lab: Lab, module: str, codec: str) -> None:
    source = f"""
    const chat = connect(new URL(url.replace("ws", "http")), {{ auth, codec: "{codec}" }});
    const extra = [1.5, -1, 64, 2 ** 40];
    tell(await chat.request("chat:post", {{ text: "€".repeat(70), extra }}));
    chat.close();
    """
    with lab.run(source, module=module) as script:
        assert script.result() == [{"message_id": 70}]
    assert lab.server.log()[0][1]["data"] == {"text": "€" * 70, "extra": [1.5, -1, 64, 2**40]}
    assert (
        lab.server.peers[0].codec.name
        == {"json": "json", "binary": "binary", "msgpack": "binary"}[codec]
    )


def test_empty_payloads_are_left_out_and_sent_as_an_empty_object(lab: Lab) -> None:
    lab.script.replies |= {"ping": lambda data: "pong", "doc:save": lambda data: {"message_id": 1}}
    source = """
    const chat = connect(url, { auth });
    chat.emit("ping");
    tell(await chat.request("ping", { timeoutMs: 30000 }));
    tell(await chat.join("doc:{doc_id}", { doc_id: "d" }).request("doc:save"));
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == ["pong", {"message_id": 1}]
    assert [m.get("data") for m in lab.server.log()[0][1:]] == [{}, {}, None, {}]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_bytes_travel_as_text_in_json_and_raw_in_messagepack(lab: Lab, codec: str) -> None:
    lab.script.auth = None
    text = codec == "json"
    lab.script.replies["file:put"] = lambda data: {
        "digest": b"dig".hex() if text else b"dig",
        "chunks": ["a", "b"] if text else [b"a", b"b"],
    }
    source = f"""
    const bytes = (text) => new TextEncoder().encode(text);
    const files = connect(url, {{ codec: "{codec}" }});
    const marked = (value) =>
      value instanceof Uint8Array ? "bytes:" + new TextDecoder().decode(value) : value;
    const show = (value) => JSON.parse(JSON.stringify(value, (_, item) => marked(item)));
    files.on("file:folder", (folder) => {{ tell(show(folder)); files.close(); }});
    tell(show(await files.request("file:put", {{
      name: "n",
      body: {{ kind: "blob", data: bytes("blöb") }},
      thumbnail: new Uint8Array([251, 255, 254]),
      parts: {{ ["__proto__"]: bytes("p") }},
      first: ["x", bytes("y")],
      checksum: new Uint8Array([0, 255]),
    }})));
    files.emit("file:raw", bytes("raw"));
    const note = {{ kind: "note", data: "text" }};
    await files.request("file:put", {{ name: "n", body: note, thumbnail: null }});
    tell("sent");
    """
    with lab.run(source, module="files.js") as script:
        script.wait("sent")
        blob = {"data": "b" if text else b"b"}
        folder: dict[str, Any] = {"children": [{"children": [], "blob": blob}]}
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
        "checksum": "00ff" if text else b"\x00\xff",
    }
    assert raw["data"] == ("raw" if text else b"raw")
    assert note["data"]["body"] == {"kind": "note", "data": "text"}


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_what_a_codec_would_lose_is_refused_at_the_call(lab: Lab, codec: str) -> None:
    source = f"""
    class Point {{ x = 1; }}
    const chat = connect(url, {{ auth, codec: "{codec}" }});
    const lossy = [new Map(), new Set(), new Point(), new ArrayBuffer(1), {{ deep: [new Map()] }}];
    for (const value of lossy) {{
      try {{
        tell(chat.emit("shout", value));
      }} catch (error) {{
        tell(error instanceof TypeError);
      }}
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
    shout: Any = {"event": "shout", "data": {"when": "1970-01-01T00:00:00.000Z", "bare": {}}}
    assert lab.server.log()[0][1] == shout


def test_messagepack_values_survive_both_ways(lab: Lab) -> None:
    values: list[Any] = [
        None, True, False, 0, 63, 64, 72, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32,
        -1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, 2**53, 1.5, -0.5, 1e300,
        "", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a" * 65536, "\u20ac\U0001f600", "\ufeffmark",
        [], list(range(15)), list(range(16)), list(range(70000)),
        {}, {str(n): n for n in range(15)}, {str(n): n for n in range(16)},
        {"__proto__": {"a": 1}, "constructor": 2},
    ]  # fmt: skip
    source = """
    const chat = connect(url, { auth, codec: "binary" });
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


def test_big_integers_arrive_as_numbers_and_bigints_are_sent_exactly(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth, codec: "binary" });
    chat.on("chat:posted", (value) => {
      tell([typeof value, String(value)]);
      chat.emit("shout", value);
    });
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
        ["number", "9223372036854776000"],
        ["number", "-4611686018427388000"],
    ]
    sent = [message["data"] for message in lab.server.log()[0][1:]]
    assert sent == [5, -5, 2**53, 2**64 - 1, 2**63, -(2**62)]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_an_integer_beyond_2_to_the_53_is_rounded_alike_in_both_codecs(
    lab: Lab, codec: str
) -> None:
    numbers = [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**64 - 1, 2**60 + 129, -(2**33) - 1]

    def refuse(_: Any) -> Any:
        raise Refuse({"error": {"code": "muted", "message": "", "data": {"until": numbers}}})

    lab.script.replies |= {"ping": lambda _: {"deep": [numbers]}, "shout": refuse}
    source = f"""
    const chat = connect(url, {{ auth, codec: "{codec}" }});
    const shown = (values) => values.map((value) => [typeof value, String(BigInt(value))]);
    chat.on("chat:posted", (values) => {{ tell(shown(values)); chat.close(); }});
    tell(shown((await chat.request("ping")).deep[0]));
    await chat.request("shout", "").catch((error) => tell(shown(error.data.until)));
    """
    with lab.run(source) as script:
        script.wait_for(lambda told: len(told) == 2, "a reply and a refusal")
        lab.server.send({"event": "chat:posted", "data": numbers})
        assert script.result() == [[["number", str(int(float(n)))] for n in numbers]] * 3


def vault() -> dict[str, Any]:
    """A contract with bytes in the credentials and in the data of refusals, and nowhere else."""
    secret = model({"key": {**BYTES, "x-bytes": "base64"}}, plain=BYTES)
    return sealed(
        {
            **minimal(),
            "auth": {"via": "message", "credentials": ref("Secret")},
            "events": [event("open", "client", {"type": "string"}, refusals=["locked"])],
            "rooms": [room("cell", client_events=[room_event("open", refusals=["locked"])])],
            "refusals": {
                "locked": {"doc": "", "data": ref("Secret")},
                "other": {"doc": "", "data": None},
            },
            "types": {"Secret": secret},
        }
    )


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_refusal_data_and_credentials_hold_bytes_in_both_codecs(lab: Lab, codec: str) -> None:
    text = codec == "json"
    data = {"key": "-__-", "plain": "p"} if text else {"key": b"\xfb\xff\xfe", "plain": b"p"}

    def refusal(code: str) -> dict[str, Any]:
        return {"error": {"code": code, "message": "No.", "data": data}}

    def refuse(code: str) -> Any:
        raise Refuse(refusal(code))

    lab.script.auth = lambda sent: sent == data
    lab.script.replies["open"] = refuse
    lab.script.refused_rooms["cell"] = refusal("locked")
    (lab.folder / "vault.js").write_text(javascript(vault())[0], encoding="utf-8")
    source = f"""
    const key = new Uint8Array([251, 255, 254]);
    const plain = new TextEncoder().encode("p");
    const right = connect(url, {{ auth: () => ({{ key, plain }}), codec: "{codec}" }});
    const shown = ({{ code, data }}) => tell(
      [code, ...Object.values(data).map((v) => v instanceof Uint8Array ? [...v] : v)]);
    right.onError(shown);
    await right.request("open", "locked").catch(shown);
    await right.request("open", "other").catch((error) => tell(error.code));
    await right.join("cell").ready.catch(shown);
    tell("ready");
    """
    with lab.run(source, module="vault.js") as script:
        script.wait("ready")
        lab.server.send({"type": 3, "data": refusal("locked")})
        lab.server.send({"type": 6, "data": refusal("locked")})
        script.wait_for(lambda told: len(told) == 7, "what arrives")
        told = script.told
    locked = ["locked", [251, 255, 254], [112]]
    assert told[:2] == [locked, "other"]
    assert [one for one in told if one not in (locked, "other", "ready")] == []
    assert told.count(locked) == 5


class Either(BaseModel):
    """Bytes beside what is text in JSON, of a server that writes them in base64."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    value: bytes | Literal["a", "no bytes!"] | date


class HexEither(Either):
    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


def test_text_beside_coded_bytes_is_not_taken_for_them(lab: Lab) -> None:
    lab.script.auth = None
    source = ContractSource(
        "Either",
        events=(
            EventEntry("either", "server", Either),
            EventEntry("hex", "server", HexEither),
            EventEntry("end", "server", None),
        ),
    )
    (lab.folder / "either.js").write_text(javascript(build(source).document)[0], encoding="utf-8")
    program = """
    const client = connect(url, { codec: "json" });
    const show = ({ value }) => tell(value instanceof Uint8Array ? [...value] : value);
    client.on("either", show);
    client.on("hex", show);
    client.on("end", () => client.close());
    await client.ready;
    tell("open");
    """
    values: list[tuple[Any, Any]] = [
        ("a", "a"),
        ("no bytes!", "no bytes!"),
        (date(2020, 1, 2), "2020-01-02"),
        (b"\xff\xfe", [255, 254]),
        (b"\xfb\xff\xfe", [251, 255, 254]),
        (b"", []),
    ]
    with lab.run(program, module="either.js") as script:
        script.wait("open")
        for kind, name in ((Either, "either"), (HexEither, "hex")):
            for value, _ in values:
                data = PayloadType(kind).plain(kind(value=value))
                lab.server.send({"event": name, "data": data})
        lab.server.send({"event": "end", "data": None})
        assert script.result() == ["open", *[told for _, told in values] * 2]


def test_a_server_may_answer_in_another_codec(lab: Lab) -> None:
    lab.script.codec = JSON
    source = """
    const chat = connect(url, { auth, codec: "binary" });
    tell(await chat.request("chat:post", { text: "x" }));
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [{"message_id": 1}]


@pytest.mark.parametrize("value", ["() => 1", "Symbol()", "NaN"])
def test_json_refuses_what_it_would_drop_or_change(lab: Lab, value: str) -> None:
    source = f"""
    const chat = connect(url, {{ auth }});
    try {{
      chat.emit("shout", [{value}]);
    }} catch (error) {{
      tell(error.name);
    }}
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == ["TypeError"]


def test_bytes_that_are_no_text_are_refused_in_json_and_the_way_out_is_named(lab: Lab) -> None:
    lab.script.auth = None
    source = """
    const files = connect(url, { codec: "json" });
    try {
      files.emit("file:raw", new Uint8Array([255]));
    } catch (error) {
      tell([error.name, error.message.includes('use codec "binary"')]);
    }
    files.close();
    """
    with lab.run(source, module="files.js") as script:
        assert script.result() == [["TypeError", True]]


@pytest.mark.parametrize("codec", ["undefined", '"json"', '"binary"', '"msgpack"'])
def test_a_client_for_json_alone_speaks_json_and_says_what_it_cannot_read(
    lab: Lab, codec: str
) -> None:
    """Whatever its callers ask for, as those did who had a client with both."""
    document = contracts.json_only()
    (lab.folder / "json_only.js").write_text(javascript(document)[0], encoding="utf-8")
    source = """
    const chat = connect(url, { auth, codec });
    chat.onError(({ phase, code }) => tell([phase, code]));
    chat.on("chat:posted", () => chat.close());
    tell(await chat.request("chat:post", { text: "x" }));
    """.replace("codec }", f"codec: {codec} }}")
    with lab.run(source, module="json_only.js") as script:
        script.wait({"message_id": 1})
        lab.server.send({"event": "chat:posted", "data": {}}, BINARY)
        script.wait(["decode", "invalid"])
        lab.server.send({"event": "chat:posted", "data": {}}, JSON)
        told = script.result()
    assert told == [{"message_id": 1}, ["decode", "invalid"]]
    assert lab.server.headers[0]["Sec-WebSocket-Protocol"] == "bytesocket.json"
    assert isinstance(lab.server.peers[0].received[0], dict)
