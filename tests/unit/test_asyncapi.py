"""The AsyncAPI document says what the contract says: operations, rooms, security, schemas."""

import json
from typing import Any

import pytest

from bytesocket_app import ByteSocket
from bytesocket_cli.codegen.asyncapi import asyncapi
from bytesocket_cli.codegen.asyncapi_schemas import SchemaWriter, safe_keys
from tests.support.contracts import chat, files, minimal, ref, room, sealed


def made(document: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(asyncapi(document))
    return result


def test_a_request_names_its_reply_and_its_declared_refusals() -> None:
    document = made(chat())
    operation = document["operations"]["receive-chat.post"]
    prefix = "#/channels/socket/messages/chat.post"
    assert operation["action"] == "receive"
    assert operation["messages"] == [{"$ref": f"{prefix}-to_server"}]
    assert [one["$ref"] for one in operation["reply"]["messages"]] == [
        f"{prefix}-reply",
        f"{prefix}-refused",
    ]
    messages = document["components"]["messages"]
    assert messages["chat.post-reply"]["payload"]["properties"]["data"] == {
        "$ref": "#/components/schemas/Receipt"
    }
    refused = messages["chat.post-refused"]["payload"]["properties"]["data"]
    assert refused["properties"]["error"]["anyOf"][0] == {
        "$ref": "#/components/schemas/refusal-muted"
    }
    muted = document["components"]["schemas"]["refusal-muted"]
    assert muted["properties"]["code"] == {"const": "muted"}
    assert muted["properties"]["data"] == {"$ref": "#/components/schemas/MutedData"}


def test_an_event_without_a_reply_is_acknowledged_with_null() -> None:
    messages = made(chat())["components"]["messages"]
    assert messages["shout-reply"]["payload"]["properties"]["data"] == {"type": "null"}


def test_an_event_of_a_room_names_the_room_and_another_one_does_not() -> None:
    messages = made(chat())["components"]["messages"]
    outside = messages["chat.typing-to_server"]["payload"]
    assert list(outside["properties"]) == ["event", "data", "id"]
    assert outside["required"] == ["event", "data"]
    inside = messages["doc.move-to_server-in_room"]["payload"]
    assert list(inside["properties"]) == ["room", "rooms", "event", "data", "id"]
    assert inside["oneOf"] == [{"required": ["room"]}, {"required": ["rooms"]}]
    assert list(messages["doc.moved-to_client"]["payload"]["properties"]) == ["event", "data"]


def test_an_empty_payload_may_be_left_out() -> None:
    messages = made(chat())["components"]["messages"]
    assert messages["ping-to_server"]["payload"]["required"] == ["event"]


def test_a_room_is_a_channel_with_its_parameters() -> None:
    channel = made(chat())["channels"]["room-doc..doc_id."]
    assert channel["address"] == "doc:{doc_id}"
    assert channel["parameters"] == {"doc_id": {"x-schema": {"type": "string", "format": "uuid"}}}


def test_a_parameter_of_few_values_lists_them_as_text() -> None:
    values = {"enum": [1, 2], "description": "Which."}
    document = sealed({**minimal(), "rooms": [room("r:{n}", params={"n": values})]})
    parameter = made(document)["channels"]["room-r..n."]["parameters"]["n"]
    assert (parameter["enum"], parameter["description"]) == (["1", "2"], "Which.")


def test_only_rooms_that_clients_may_join_have_a_join() -> None:
    operations = made(chat())["operations"]
    assert {"join-lobby", "leave-lobby"} <= operations.keys()
    assert "join-user.feed" not in operations


def test_a_guard_s_refusals_are_what_a_join_may_be_refused_with() -> None:
    document = chat()
    document["rooms"][1]["refusals"] = ["read_only"]
    written = made(sealed(document))
    answers = [one["$ref"] for one in written["operations"]["join-lobby"]["reply"]["messages"]]
    assert answers[1] == "#/channels/room-lobby/messages/join-lobby-guard-refused"
    assert "protocol-join_room_error" not in written["channels"]["room-lobby"]["messages"]


def test_the_socket_is_reached_by_its_path_and_says_its_contract() -> None:
    document = made(chat())
    socket = document["channels"]["socket"]
    assert socket["address"] == "/ws"
    assert list(socket["bindings"]["ws"]["query"]["properties"]) == ["contract"]
    assert document["info"]["x-contract"] == chat()["fingerprint"]


def test_security_is_what_the_contract_says_of_authentication() -> None:
    by_message, open_to_all = made(chat()), made(chat(auth=False))
    scheme = by_message["components"]["securitySchemes"]["auth"]
    assert (scheme["type"], scheme["x-credentials"]) == (
        "apiKey",
        {"$ref": "#/components/schemas/Credentials"},
    )
    assert "protocol-auth" in by_message["operations"]
    assert "securitySchemes" not in open_to_all["components"]
    assert all("security" not in server for server in open_to_all["servers"].values())
    handshake = made(sealed({**chat(), "auth": {"via": "handshake"}}))
    assert handshake["components"]["securitySchemes"]["auth"]["type"] == "http"
    assert handshake["servers"]["wss"]["security"] == [
        {"$ref": "#/components/securitySchemes/auth"}
    ]
    assert "protocol-auth" not in handshake["operations"]


def test_the_content_type_is_what_the_server_sends() -> None:
    assert made(chat())["defaultContentType"] == "application/msgpack"
    assert made(minimal())["defaultContentType"] == "application/json"


def test_a_volatile_event_is_marked_and_a_documented_one_described() -> None:
    operations = made(chat())["operations"]
    assert operations["send-doc.moved"]["x-volatile"] is True
    assert operations["send-chat.posted"]["description"] == "A message was posted."


def test_the_description_begins_with_the_applications_own() -> None:
    app = ByteSocket(
        title="Chat",
        description="""
        Talk to each other.

        In rooms.
    """,
    )
    document = app.contract().document
    assert document["description"] == "Talk to each other.\n\nIn rooms."
    told = made(document)["info"]["description"]
    assert told.startswith("Talk to each other.\n\nIn rooms.\n\nAll messages travel")
    plain = ByteSocket(title="Chat").contract().document
    assert "description" not in plain
    assert made(plain)["info"]["description"].startswith("All messages travel")


def test_events_come_before_the_messages_of_the_protocol() -> None:
    document = made(chat())
    socket = document["channels"]["socket"]["messages"]
    lobby = document["channels"]["room-lobby"]["messages"]
    for names in (document["operations"], document["components"]["messages"], socket, lobby):
        own = [name.startswith(("protocol-", "join-", "leave-")) for name in names]
        assert any(own)
        assert own == sorted(own)


def test_operations_are_tagged_by_group_by_room_and_as_the_protocols() -> None:
    document = chat()
    lobby = next(one for one in document["rooms"] if one["pattern"] == "lobby")
    document["events"].append({**document["events"][0], "name": "room lobby:wave"})
    lobby["client_events"].append({"name": "room lobby:wave", "reply": None, "refusals": []})
    written = made(sealed(document))
    operations = written["operations"]

    def tags(operation: dict[str, Any]) -> list[str]:
        return [tag["name"] for tag in operation.get("tags", ())]

    assert tags(operations["receive-chat.post"]) == ["chat"]
    assert tags(operations["receive-ping"]) == []
    assert tags(operations["receive-lobby-chat.reaction"]) == ["chat", "room lobby"]
    assert tags(operations["receive-lobby-room.lobby.wave"]) == ["room lobby"]
    assert tags(operations["send-lobby-events"]) == ["room lobby"]
    assert tags(operations["join-lobby"]) == tags(operations["protocol-error"]) == ["protocol"]
    known = tags(written["info"])
    assert len(known) == len(set(known))
    assert set(known) >= {tag for one in operations.values() for tag in tags(one)}


def test_a_rate_is_an_extension_of_its_operation() -> None:
    document, rate = chat(), {"per_second": 5.0, "burst": 10, "per": "socket"}
    taken = [event["name"] for event in document["events"] if event["global"]]
    document["events"] = [
        {**event, "rate": rate} if event["name"] == taken[0] else event
        for event in document["events"]
    ]
    room = next(room for room in document["rooms"] if room["client_events"])
    room["client_events"][0]["rate"] = {**rate, "burst": 3}
    operations = made(sealed(document))["operations"].values()
    assert [one["x-rate"]["burst"] for one in operations if "x-rate" in one] == [10, 3]


def test_a_tuple_is_written_as_draft_07_does() -> None:
    first = made(files())["components"]["schemas"]["Upload"]["properties"]["first"]
    assert first["items"] == [{"type": "string"}, {"type": "string", "format": "binary"}]
    assert (first["additionalItems"], "prefixItems" in first) == (True, False)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {**ref("A"), "description": "d"},
            {"allOf": [{"$ref": "#/components/schemas/k"}], "description": "d"},
        ),
        (
            {"oneOf": [ref("A")], "discriminator": {"propertyName": "kind"}},
            {"oneOf": [{"$ref": "#/components/schemas/k"}], "discriminator": "kind"},
        ),
        (
            {"properties": {"b": {}, "a": True}, "x-order": ["b", "a"]},
            {"properties": {"b": {}, "a": True}},
        ),
        ({"contentSchema": {}, "type": "string"}, {"type": "string"}),
        (
            {"properties": {"$ref": {}, "__proto__": {}}, "patternProperties": {"^x": {}}},
            {"properties": {}, "patternProperties": {"^\\$ref$": {}, "^__proto__$": {}, "^x": {}}},
        ),
        (
            {"additionalProperties": ref("A")},
            {"additionalProperties": {"$ref": "#/components/schemas/k"}},
        ),
        (
            {"enum": ["a"], "x-open": True},
            {"anyOf": [{"enum": ["a"], "x-open": True}, {"type": "string"}]},
        ),
        (
            {"type": "number", "x-inf-nan": "strings"},
            {
                "anyOf": [
                    {"type": "number", "x-inf-nan": "strings"},
                    {"enum": ["NaN", "Infinity", "-Infinity"]},
                ]
            },
        ),
        (False, False),
    ],
)
def test_a_schema_is_brought_into_the_dialect(schema: Any, expected: Any) -> None:
    assert SchemaWriter({}, {"A": "k"}).schema(schema) == expected


def test_keys_are_ascii_and_never_one_for_two() -> None:
    keys = safe_keys(["chat:post", "a-b", "a:b", "7", 7, "Größe", ""])
    assert keys["chat:post"] == "chat.post"
    assert keys["Größe"] == "Gr..e"
    assert keys["a-b"].startswith("a.b_")
    assert len(set(keys.values())) == len(keys)
    assert all(key.isascii() and "-" not in key for key in keys.values())


def test_a_room_with_presence_says_what_members_are_told() -> None:
    lobby = room("lobby", presence={"entry": {"type": "string"}, "clients": ["typing"]})
    stage = room("stage", presence={"counts": True})
    document = made(sealed({**minimal(), "rooms": [lobby, stage]}))
    operations, messages = document["operations"], document["components"]["messages"]
    assert operations["send-lobby-presence"]["action"] == "send"
    assert operations["receive-lobby-entry"]["action"] == "receive"
    assert "receive-stage-entry" not in operations
    told = messages["lobby-presence"]["payload"]["properties"]
    assert told["type"] == {"const": 36}
    assert list(told["data"]["properties"]) == ["users", "enter", "change", "exit"]
    assert list(messages["stage-presence"]["payload"]["properties"]["data"]["properties"]) == [
        "count"
    ]
    changed = messages["lobby-entry"]["payload"]["properties"]["data"]
    assert changed["propertyNames"] == {"enum": ["typing"]}
