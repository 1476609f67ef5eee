"""The generated client as text; how it compiles and runs is tested end to end."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from bytesocket_app.errors import ConfigurationError
from bytesocket_cli.codegen.typescript import header, javascript, typescript
from tests.support import contracts

DOCUMENTS = [
    contracts.chat(),
    contracts.chat(auth=False),
    contracts.files(),
    contracts.json_only(),
    contracts.minimal(),
    contracts.nasty(),
    contracts.with_presence(contracts.chat()),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document["title"][:7]))
def test_a_file_says_what_it_was_made_of_and_imports_nothing(document: Any) -> None:
    for text in (typescript(document), *javascript(document)):
        assert text.startswith(f"// {header(document)}\n")
        assert "\nimport " not in text
        assert "{{" not in text
        assert text.endswith(";\n")
        assert "\n\n\n" not in text


def test_the_header_is_one_line_without_time_or_path() -> None:
    document = {**contracts.minimal(), "title": "A\n*/ \u2028 B"}
    fingerprint = document["fingerprint"][:16]
    assert header(document) == (
        f"bytesocket A */   B 0.1.0 - contract {fingerprint} - generated, do not edit"
    )


@pytest.mark.slow
def test_the_same_contract_gives_the_same_bytes_under_any_hash_seed() -> None:
    program = (
        "import json, sys\n"
        "from bytesocket_cli.codegen.typescript import javascript, typescript\n"
        "document = json.load(sys.stdin)\n"
        "texts = [typescript(document), *javascript(document)]\n"
        "sys.stdout.buffer.write('\\0'.join(texts).encode())\n"
    )
    document = json.dumps(contracts.nasty())
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=document.encode(),
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_maps_hold_every_event_with_its_documentation() -> None:
    text = typescript(contracts.chat())
    assert (
        "  /**\n"
        "   * Ask the server to post a message.\n"
        "   *\n"
        "   * May be refused with `muted`.\n"
        "   */\n"
        '  "chat:post": Post;\n'
    ) in text
    assert '  /** A message was posted. */\n  "chat:posted": Posted;\n' in text
    assert "  ping: Record<string, never>;\n" in text
    assert "  muted: MutedData;\n  read_only: unknown;\n" in text


def test_rooms_hold_parameters_events_and_replies() -> None:
    assert (
        '  "doc:{doc_id}": {\n'
        "    params: { doc_id: string };\n"
        '    join: "client";\n'
        '    sends: "doc:move" | "doc:save";\n'
        '    receives: "doc:moved";\n'
        "    replies: {\n"
        '      "doc:move": void;\n'
        "      /** May be refused with `read_only`. */\n"
        '      "doc:save": Receipt;\n'
        "    };\n"
        "  };\n"
    ) in typescript(contracts.chat())


def test_what_may_be_sent_and_joined_is_narrowed() -> None:
    text = typescript(contracts.chat())
    assert 'GlobalEvent = "chat:post" | "chat:typing" | "ping" | "shout";' in text
    assert 'JoinableRoom = "doc:{doc_id}" | "lobby";' in text
    assert "GlobalEvent = never;" in typescript(contracts.minimal())


def test_auth_is_demanded_by_a_contract_with_auth_by_message_only() -> None:
    wanted = "auth: Credentials | (() => Credentials | Promise<Credentials>);"
    assert wanted in typescript(contracts.chat())
    handshake = {**contracts.chat(auth=False), "auth": {"via": "handshake"}}
    for document in (contracts.chat(auth=False), handshake):
        text = typescript(document)
        assert "auth: " not in text.split("runtime: the wire")[0]
        assert "connect(options?: ConnectOptions): Client;" in text


def test_the_runtime_knows_which_events_are_volatile_or_empty() -> None:
    module, _ = javascript(contracts.chat())
    assert 'volatile: ["chat:typing", "doc:move"],' in module
    assert 'empty: ["doc:save", "ping"],' in module
    assert 'codec: "json",' in module


def test_only_a_contract_with_bytes_brings_the_walker_and_prefers_messagepack() -> None:
    module, _ = javascript(contracts.files())
    assert "createBytes(" in module
    assert 'codec: "binary",' in module
    assert "createBytes(" not in javascript(contracts.chat())[0]


def test_bytes_bring_the_formats_that_the_contract_has() -> None:
    module, _ = javascript(contracts.files())
    formats = ["utf8", "base64", "hex"]
    assert [name for name in formats if f"\n  {name}: [" in module] == formats
    document = contracts.minimal()
    document["events"] = [contracts.event("raw", "both", contracts.BYTES)]
    for text in (*javascript(contracts.sealed(document)), typescript(contracts.sealed(document))):
        assert [name for name in formats[1:] if f"  {name}: [" in text] == []
        assert "/* " not in text.replace("/* eslint-disable */", "")
    assert "  utf8: [" in javascript(contracts.sealed(document))[0]


@pytest.mark.parametrize("paced", [False, True])
def test_a_client_for_json_alone_carries_no_messagepack(paced: bool) -> None:
    document = contracts.json_only()
    if paced:
        document = contracts.with_rates(document, {"shout": contracts.rate(1, 1)})
    for text in (typescript(document), *javascript(document)):
        assert "MessagePack" not in text
        assert "pack(" not in text
        assert '"msgpack"' not in text.replace('type $Codec = "json" | "binary" | "msgpack";', "")


def test_a_client_for_the_origins_server_reads_messagepack_whatever_the_contract_says() -> None:
    text, _ = javascript(contracts.json_only(), peer="bytesocket-node")
    assert text.count("function unpack(") == 1
    assert "function pack(" in text


def test_bytes_bring_messagepack_whatever_the_application_prefers() -> None:
    document = contracts.sealed({**contracts.files(), "serialization": "json"})
    for text in (contracts.chat(), document):
        module, _ = javascript(text)
        assert "function pack(" in module
        assert "function unpack(" in module
    assert 'codec: "binary",' in javascript(document)[0]


def test_a_number_beside_its_text_as_event_names_is_refused() -> None:
    document = contracts.minimal()
    document["events"] = [
        contracts.event("7", "both", contracts.STRING),
        contracts.event(7, "both", contracts.STRING),
    ]
    with pytest.raises(ConfigurationError, match='an event 7 and an event "7"'):
        typescript(document)


def test_rooms_with_presence_hold_the_entry_and_what_clients_may_change() -> None:
    document = contracts.with_presence(contracts.chat())
    changes = "{ $typing?: boolean; face?: Uint8Array | null; hidden?: unknown }"
    shape = '[undefined, "#Person", "doc:{doc_id}"]'
    for text in (typescript(document), javascript(document)[1]):
        assert f"    presence: {{ entry: Person; changes: {changes} }};\n" in text
        assert "    presence: { entry: never };\n" in text
        assert text.count("    presence: {") == 2
    for text in (typescript(document), javascript(document)[0]):
        assert '  presence: ["doc:{doc_id}", "lobby"],\n' in text
        assert f"    sent: [{shape}],\n    arriving: [{shape}],\n" in text


@pytest.mark.parametrize("document", DOCUMENTS[:-1], ids=lambda each: str(each["title"][:7]))
def test_a_client_of_rooms_without_presence_carries_nothing_for_it(document: Any) -> None:
    for text in (typescript(document), javascript(document)[0]):
        assert "$present" not in text.lower()
        assert not any(word in text for word in ("onPresence", "createPresent", "presence:"))
