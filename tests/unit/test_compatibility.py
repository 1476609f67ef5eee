"""The table of verdicts for everything but payloads: events, rooms, refusals, authentication."""

import copy
from dataclasses import replace
from enum import Flag, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from bytesocket_app.contract import (
    ContractSource,
    EventEntry,
    MessageAuth,
    PresenceEntry,
    RoomEntry,
    RoomEventEntry,
    build,
)
from bytesocket_app.contract.compatibility import (
    RULES,
    Code,
    Finding,
    Level,
    compare,
)
from bytesocket_app.declarations.rates import Rate
from bytesocket_app.errors import Refusal
from tests.support.compatibility import levels
from tests.support.contracts import chat, files, nasty, sealed


class Post(BaseModel):
    text: str


class Marked(BaseModel):
    model_config = ConfigDict(json_schema_extra={"deprecated": True})


class Receipt(BaseModel):
    number: int


class Longer(BaseModel):
    number: int
    when: str


class Color(StrEnum):
    RED = "red"


class Token(BaseModel):
    token: str


class Pair(BaseModel):
    token: str
    name: str


class Muted(Refusal, code="muted"):
    data: Receipt


class MutedLonger(Refusal, code="muted"):
    data: Longer


class MutedPlain(Refusal, code="muted"): ...


POST = EventEntry("post", "client", Post, is_global=True)
POSTED = EventEntry("posted", "server", Post)
MOVE = EventEntry("move", "both", Post)
DOC = RoomEntry("doc:{id}", {"id": UUID}, "client", (RoomEventEntry("move"),), ("posted",))
LOBBY = RoomEntry("lobby")
ANY = RoomEntry("{name}", {"name": str})
SEEN = replace(LOBBY, presence=PresenceEntry(Pair, ("name",)))
COUNTED = replace(LOBBY, presence=PresenceEntry())


def app(*events: EventEntry, rooms: tuple[RoomEntry, ...] = (), **more: Any) -> ContractSource:
    return ContractSource(title="App", events=events, rooms=rooms, **more)


def mute(source: ContractSource) -> ContractSource:
    """A server that leaves credentials without an answer that nobody asks for."""
    return replace(source, answers_credentials=False)


def rated(per_second: float, burst: int, **more: Any) -> EventEntry:
    return replace(POST, rate=Rate(per_second, burst, **more))


def inside(rate: Rate | None) -> ContractSource:
    return app(MOVE, rooms=(replace(LOBBY, client_events=(RoomEventEntry("move", rate=rate),)),))


MESSAGE = app(auth=MessageAuth(Token))
ALL = app(POST, POSTED, MOVE, rooms=(DOC, LOBBY))

TABLE: dict[str, tuple[ContractSource, ContractSource, dict[str, str]]] = {
    "client event added": (app(), app(POST), {"EVENT_ADDED": "safe"}),
    "server event added": (app(), app(POSTED), {"EVENT_ADDED": "safe"}),
    "client event removed": (app(POST), app(), {"EVENT_REMOVED": "wire"}),
    "server event removed": (app(POSTED), app(), {"EVENT_REMOVED": "source"}),
    "deprecated event removed": (
        app(replace(POST, payload=Marked)),
        app(),
        {"DEPRECATED_EVENT_REMOVED": "wire"},
    ),
    "client to server": (
        app(POST),
        app(replace(POST, direction="server", is_global=False)),
        {"DIRECTION_CHANGED": "wire"},
    ),
    "server to client": (
        app(POSTED),
        app(replace(POSTED, direction="client", is_global=True)),
        {"DIRECTION_CHANGED": "wire"},
    ),
    "both to client": (
        app(MOVE),
        app(replace(MOVE, direction="client")),
        {"DIRECTION_CHANGED": "wire"},
    ),
    "client to both": (
        app(POST),
        app(replace(POST, direction="both")),
        {"DIRECTION_WIDENED": "safe"},
    ),
    "volatile": (app(POST), app(replace(POST, volatile=True)), {"VOLATILE_CHANGED": "silent"}),
    "only in rooms": (
        app(POST),
        app(replace(POST, is_global=False)),
        {"EVENT_ONLY_IN_ROOMS": "wire"},
    ),
    "outside rooms too": (
        app(replace(POST, is_global=False)),
        app(POST),
        {"EVENT_OUTSIDE_ROOMS": "safe"},
    ),
    "reply added": (app(POST), app(replace(POST, reply=Receipt)), {"REPLY_ADDED": "safe"}),
    "reply removed": (app(replace(POST, reply=Receipt)), app(POST), {"REPLY_REMOVED": "wire"}),
    "reply that could be null removed": (
        app(replace(POST, reply=int | None)),
        app(POST),
        {"REPLY_EMPTIED": "source"},
    ),
    "reply that could be anything removed": (
        app(replace(POST, reply=Any)),
        app(POST),
        {"REPLY_EMPTIED": "source"},
    ),
    "reply is judged as what the server sends": (
        app(replace(POST, reply=Longer)),
        app(replace(POST, reply=create_model("Longer", number=(int, ...)))),
        {"FIELD_REMOVED": "wire"},
    ),
    "reply with a field more": (
        app(replace(POST, reply=create_model("Longer", number=(int, ...)))),
        app(replace(POST, reply=Longer)),
        {"FIELD_ADDED": "safe"},
    ),
    "refusal added": (app(POST), app(replace(POST, raises=(Muted,))), {"REFUSAL_ADDED": "source"}),
    "refusal removed": (
        app(replace(POST, raises=(Muted,))),
        app(POST),
        {"REFUSAL_REMOVED": "source"},
    ),
    "refusal data added": (
        app(replace(POST, raises=(MutedPlain,))),
        app(replace(POST, raises=(Muted,))),
        {"REFUSAL_DATA_ADDED": "safe"},
    ),
    "refusal data removed": (
        app(replace(POST, raises=(Muted,))),
        app(replace(POST, raises=(MutedPlain,))),
        {"REFUSAL_DATA_REMOVED": "wire"},
    ),
    "refusal data with a field less": (
        app(replace(POST, raises=(MutedLonger,))),
        app(replace(POST, raises=(Muted,))),
        {"FIELD_REMOVED": "wire", "TYPE_RENAMED": "source"},
    ),
    "rate added": (app(POST), app(rated(5, 10)), {"RATE_TIGHTENED": "silent"}),
    "rate lower": (app(rated(5, 10)), app(rated(4, 20)), {"RATE_TIGHTENED": "silent"}),
    "burst smaller": (app(rated(5, 10)), app(rated(9, 9)), {"RATE_TIGHTENED": "silent"}),
    "rate of all sockets of a user": (
        app(rated(5, 10)),
        app(rated(5, 10, per="user")),
        {"RATE_TIGHTENED": "silent"},
    ),
    "rate of all users of an address": (
        app(rated(5, 10, per="user")),
        app(rated(9, 10, per="address")),
        {"RATE_TIGHTENED": "silent"},
    ),
    "rate higher": (app(rated(5, 10)), app(rated(6, 10)), {"RATE_LOOSENED": "safe"}),
    "rate of each socket": (
        app(rated(5, 10, per="address")),
        app(rated(5, 10)),
        {"RATE_LOOSENED": "safe"},
    ),
    "rate removed": (app(rated(5, 10)), app(POST), {"RATE_LOOSENED": "safe"}),
    "rate the same": (app(rated(5, 10)), app(rated(5, 10)), {}),
    "rate in a room added": (inside(None), inside(Rate(5, 10)), {"RATE_TIGHTENED": "silent"}),
    "rate in a room removed": (inside(Rate(5, 10)), inside(None), {"RATE_LOOSENED": "safe"}),
    "room added": (app(), app(rooms=(LOBBY,)), {"ROOM_ADDED": "safe"}),
    "room removed": (app(rooms=(LOBBY,)), app(), {"ROOM_REMOVED": "wire"}),
    "room that only the server fills removed": (
        app(rooms=(replace(LOBBY, join="server"),)),
        app(),
        {"ROOM_REMOVED": "source"},
    ),
    "room's pattern changed": (
        app(MOVE, POSTED, rooms=(DOC,)),
        app(MOVE, POSTED, rooms=(replace(DOC, pattern="document:{id}"),)),
        {"ROOM_REMOVED": "wire", "ROOM_ADDED": "safe"},
    ),
    "room now one of a pattern's": (
        app(rooms=(LOBBY,)),
        app(rooms=(ANY,)),
        {"ROOM_COVERED": "source", "ROOM_ADDED": "safe"},
    ),
    "join closed": (
        app(rooms=(LOBBY,)),
        app(rooms=(replace(LOBBY, join="server"),)),
        {"ROOM_JOIN_CLOSED": "wire"},
    ),
    "join opened": (
        app(rooms=(replace(LOBBY, join="server"),)),
        app(rooms=(LOBBY,)),
        {"ROOM_JOIN_OPENED": "safe"},
    ),
    "parameter renamed": (
        app(rooms=(ANY,)),
        app(rooms=(RoomEntry("{title}", {"title": str}),)),
        {"ROOM_PARAM_RENAMED": "source"},
    ),
    "parameter narrowed": (
        app(rooms=(ANY,)),
        app(rooms=(replace(ANY, params={"name": int}),)),
        {"ROOM_PARAM_NARROWED": "wire"},
    ),
    "parameter widened": (
        app(rooms=(replace(ANY, params={"name": int}),)),
        app(rooms=(ANY,)),
        {"ROOM_PARAM_WIDENED": "safe", "ROOM_PARAM_RETYPED": "source"},
    ),
    "parameter widened from an enum": (
        app(rooms=(replace(ANY, params={"name": Color}),)),
        app(rooms=(ANY,)),
        {"ROOM_PARAM_WIDENED": "safe", "TYPE_GONE": "source"},
    ),
    "parameter widened by a value": (
        app(rooms=(replace(ANY, params={"name": Literal["a"]}),)),
        app(rooms=(replace(ANY, params={"name": Literal["a", "b"]}),)),
        {"ROOM_PARAM_WIDENED": "safe"},
    ),
    "parameter from UUID to text": (
        app(rooms=(replace(ANY, params={"name": UUID}),)),
        app(rooms=(ANY,)),
        {"ROOM_PARAM_WIDENED": "safe", "ROOM_PARAM_RETYPED": "source"},
    ),
    "parameter from numbers to their texts": (
        app(rooms=(replace(ANY, params={"name": Literal[1, 2]}),)),
        app(rooms=(replace(ANY, params={"name": Literal["1", "2"]}),)),
        {"ROOM_PARAM_RETYPED": "source"},
    ),
    "parameter from a literal to an enum of it": (
        app(rooms=(replace(ANY, params={"name": Literal["red"]}),)),
        app(rooms=(replace(ANY, params={"name": Color}),)),
        {"ROOM_PARAM_RETYPED": "source"},
    ),
    "an event without data gets an optional field": (
        app(replace(POST, payload=create_model("Post"))),
        app(replace(POST, payload=create_model("Post", text=(str, "")))),
        {"DATA_ADDED": "source", "FIELD_ADDED": "safe"},
    ),
    "an event without data gets any": (
        app(replace(POST, payload=create_model("Post"))),
        app(replace(POST, payload=dict[str, Any])),
        {
            "DATA_ADDED": "source",
            "EVENT_CLASS_CHANGED": "source",
            "EXTRA_ALLOWED": "safe",
            "TYPE_GONE": "source",
        },
    ),
    "an event from the server gets a field": (
        app(replace(POSTED, payload=create_model("Post"))),
        app(POSTED),
        {"FIELD_ADDED": "safe"},
    ),
    "a payload's class is that of two events now": (
        app(POST),
        app(POST, replace(POST, name="again")),
        {"EVENT_ADDED": "safe", "EVENT_CLASS_CHANGED": "source"},
    ),
    "a payload's class is that of one event now": (
        app(POST, replace(POST, name="again")),
        app(POST),
        {"EVENT_REMOVED": "wire", "EVENT_CLASS_CHANGED": "source"},
    ),
    "parameter's constant renamed": (
        app(rooms=(replace(ANY, params={"name": StrEnum("Color", {"RED": "red"})}),)),
        app(rooms=(replace(ANY, params={"name": StrEnum("Color", {"ROUGE": "red"})}),)),
        {"ENUM_NAME_CHANGED": "source"},
    ),
    "parameter widened from a number": (
        app(rooms=(replace(ANY, params={"name": Literal[1]}),)),
        app(rooms=(replace(ANY, params={"name": int}),)),
        {"ROOM_PARAM_WIDENED": "safe"},
    ),
    "room now one of a pattern's values": (
        app(rooms=(LOBBY,)),
        app(rooms=(replace(ANY, params={"name": Literal["lobby", "hall"]}),)),
        {"ROOM_COVERED": "source", "ROOM_ADDED": "safe"},
    ),
    "room that a pattern does not take": (
        app(rooms=(LOBBY,)),
        app(rooms=(replace(ANY, params={"name": Literal["hall"]}),)),
        {"ROOM_REMOVED": "wire", "ROOM_ADDED": "safe"},
    ),
    "parameter of another type": (
        app(rooms=(replace(ANY, params={"name": int}),)),
        app(rooms=(replace(ANY, params={"name": UUID}),)),
        {"ROOM_PARAM_CHANGED": "wire"},
    ),
    "room tells members of each other": (
        app(rooms=(LOBBY,)),
        app(rooms=(SEEN,)),
        {"PRESENCE_ADDED": "safe"},
    ),
    "room does not tell members of each other": (
        app(rooms=(SEEN,)),
        app(rooms=(LOBBY,)),
        {"PRESENCE_REMOVED": "source"},
    ),
    "room counts where it told of members": (
        app(rooms=(SEEN,)),
        app(rooms=(COUNTED,)),
        {"PRESENCE_REMOVED": "source"},
    ),
    "entry with a field less": (
        app(rooms=(replace(SEEN, presence=PresenceEntry(Pair)),)),
        app(rooms=(replace(SEEN, presence=PresenceEntry(Token)),)),
        {"FIELD_REMOVED": "wire", "TYPE_RENAMED": "source"},
    ),
    "clients may change a field of their entry": (
        app(rooms=(SEEN,)),
        app(rooms=(replace(SEEN, presence=PresenceEntry(Pair, ("name", "token"))),)),
        {"PRESENCE_CHANGE_ALLOWED": "safe"},
    ),
    "clients may not change a field of their entry": (
        app(rooms=(SEEN,)),
        app(rooms=(replace(SEEN, presence=PresenceEntry(Pair)),)),
        {"PRESENCE_CHANGE_REFUSED": "wire"},
    ),
    "room takes an event more": (
        app(MOVE, POSTED, rooms=(replace(DOC, client_events=()),)),
        app(MOVE, POSTED, rooms=(DOC,)),
        {"ROOM_EVENT_ADDED": "safe"},
    ),
    "room takes an event less": (
        app(MOVE, POSTED, rooms=(DOC,)),
        app(MOVE, POSTED, rooms=(replace(DOC, client_events=()),)),
        {"ROOM_EVENT_REMOVED": "wire"},
    ),
    "event does not arrive in the room": (
        app(MOVE, POSTED, rooms=(DOC,)),
        app(MOVE, POSTED, rooms=(replace(DOC, server_events=()),)),
        {"ROOM_EVENT_REMOVED": "source"},
    ),
    "reply in a room removed": (
        app(MOVE, rooms=(replace(LOBBY, client_events=(RoomEventEntry("move", Receipt),)),)),
        app(MOVE, rooms=(replace(LOBBY, client_events=(RoomEventEntry("move"),)),)),
        {"REPLY_REMOVED": "wire"},
    ),
    "guard refuses": (
        app(rooms=(LOBBY,)),
        app(rooms=(replace(LOBBY, raises=(Muted,)),)),
        {"REFUSAL_ADDED": "source"},
    ),
    "auth required by handshake": (app(), app(auth="handshake"), {"AUTH_REQUIRED": "wire"}),
    "auth required by message": (app(), MESSAGE, {"AUTH_REQUIRED": "wire"}),
    "auth removed": (MESSAGE, app(), {"AUTH_REMOVED": "source"}),
    "auth removed, by an upgrade of the server too": (
        mute(MESSAGE),
        app(),
        {"AUTH_REMOVED": "source"},
    ),
    "auth removed from a server that does not answer credentials": (
        mute(MESSAGE),
        mute(app()),
        {"AUTH_UNANSWERED": "wire"},
    ),
    "auth removed, and the server does not answer credentials any more": (
        MESSAGE,
        mute(app()),
        {"AUTH_UNANSWERED": "wire", "CAPABILITY_REMOVED": "silent"},
    ),
    "auth by handshake removed": (
        app(auth="handshake"),
        mute(app()),
        {"HANDSHAKE_AUTH_REMOVED": "safe", "CAPABILITY_REMOVED": "silent"},
    ),
    "auth by handshake instead": (MESSAGE, app(auth="handshake"), {"AUTH_CHANGED": "wire"}),
    "auth by message instead": (app(auth="handshake"), MESSAGE, {"AUTH_CHANGED": "wire"}),
    "the server answers credentials": (mute(app()), app(), {}),
    "the server does not answer credentials": (
        app(),
        mute(app()),
        {"CAPABILITY_REMOVED": "silent"},
    ),
    "credentials of another shape": (
        MESSAGE,
        app(auth=MessageAuth(str)),
        {"TYPE_CHANGED": "wire", "TYPE_GONE": "source"},
    ),
    "credentials narrowed": (
        app(auth=MessageAuth(Token)),
        app(auth=MessageAuth(Pair)),
        {"FIELD_ADDED_REQUIRED": "wire", "TYPE_RENAMED": "source"},
    ),
    "credentials widened": (
        app(auth=MessageAuth(Token)),
        app(auth=MessageAuth(Token | None)),
        {"NULL_ADDED": "safe"},
    ),
    "path": (app(), app(path="/other"), {"PATH_CHANGED": "wire"}),
    "title": (app(), replace(app(), title="Other"), {"TITLE_CHANGED": "source"}),
    "version": (app(), app(version="9"), {"VERSION_CHANGED": "safe"}),
    "codec": (app(), app(serialization="json"), {"SERIALIZATION_CHANGED": "safe"}),
    "documentation": (app(POST), app(replace(POST, doc="Posts.")), {}),
    "nothing": (ALL, ALL, {}),
}


def verdict(old: ContractSource, new: ContractSource) -> list[Finding]:
    return compare(build(old).document, build(new).document)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_a_change_of_the_contract_is_judged(
    row: tuple[ContractSource, ContractSource, dict[str, str]],
) -> None:
    old, new, expected = row
    assert levels(verdict(old, new)) == expected


def test_every_code_has_a_rule_and_every_break_an_advice() -> None:
    assert set(RULES) == set(Code)
    for code, rule in RULES.items():
        is_safe = rule.c2s == rule.s2c == (Level.SAFE,)
        assert bool(rule.advice) != is_safe, code
        for found in (rule.c2s, rule.s2c):
            assert list(found) == sorted(found, key=lambda level: level.rank), code


@pytest.mark.parametrize("document", [chat(), files(), nasty()], ids=["chat", "files", "nasty"])
def test_a_document_equals_itself(document: dict[str, Any]) -> None:
    assert compare(document, copy.deepcopy(document)) == []


def test_an_event_of_both_directions_is_judged_in_both() -> None:
    narrow = replace(MOVE, payload=create_model("Post", text=(str | None, ...)))
    found = verdict(app(MOVE), app(narrow))
    assert [(one.way, one.level) for one in found] == [("s2c", "wire"), ("c2s", "safe")]


@pytest.mark.parametrize(("before", "after"), [(None, "Message"), ("Message", None), ("A", "B")])
def test_another_class_name_breaks_python_code(before: str | None, after: str | None) -> None:
    old, new = build(app(POST)).document, build(app(POST)).document
    for document, name in ((old, before), (new, after)):
        if name is not None:
            document["events"][0]["class_name"] = name
    (found,) = compare(old, new)
    assert (found.code, found.level) == (Code.CLASS_NAME_CHANGED, Level.SOURCE)


def test_a_renamed_event_is_recognised() -> None:
    (removed, _) = verdict(app(POST), app(replace(POST, name="chat:post")))
    assert removed.message == 'an event was removed (renamed to "chat:post"?)'


def test_the_names_7_and_text_7_are_two_events() -> None:
    found = verdict(app(replace(POST, name=7)), app(replace(POST, name="7")))
    assert levels(found) == {"EVENT_REMOVED": "wire", "EVENT_ADDED": "safe"}
    assert found[0].place.event == 7


def test_a_type_renamed_in_two_places_is_one_finding() -> None:
    other = create_model("Other", text=(str, ...))
    old = app(POST, POSTED)
    new = app(replace(POST, payload=other), replace(POSTED, payload=other))
    assert [one.code for one in verdict(old, new)] == [Code.TYPE_RENAMED]


def test_a_document_of_version_0_1_says_nothing_of_credentials() -> None:
    old, new = (build(one).document for one in (MESSAGE, app()))
    first = {key: value for key, value in new.items() if key != "capabilities"}
    assert [one.code for one in compare(old, first)][:1] == [Code.AUTH_UNANSWERED]
    assert [one.code for one in compare(first, new)] == []


class Rights(Flag):
    READ = 1


class Ways(BaseModel):
    rights: Rights
    way: Annotated[int | str, Field(union_mode="left_to_right")]


def test_a_document_of_version_0_1_says_nothing_of_closed_flags_and_the_order_of_unions() -> None:
    new = build(app(replace(POST, payload=Ways))).document
    old = copy.deepcopy(new)
    del old["capabilities"]
    del old["types"]["Rights"]["x-closed"]
    del old["types"]["Ways"]["properties"]["way"]["x-first-match"]
    assert compare(old, new) == []
    said = {one.code for one in compare({**old, "capabilities": new["capabilities"]}, new)}
    assert said == {Code.CONSTRAINT_TIGHTENED, Code.UNION_ORDER_CHANGED}


def test_a_finding_says_where_and_what() -> None:
    inner = create_model("Line", price=(int, ...))
    outer = create_model("Order", lines=(dict[str, list[inner]], ...))  # type: ignore[valid-type]
    changed = create_model("Line", price=(float, ...))
    outer_now = create_model("Order", lines=(dict[str, list[changed]], ...))  # type: ignore[valid-type]
    (found,) = verdict(app(replace(POSTED, payload=outer)), app(replace(POSTED, payload=outer_now)))
    assert found.path == "$.lines.*[].price"
    assert str(found.place) == "posted payload"
    assert (found.old, found.new) == ("integer", "number")
    assert found.to_dict()["levels"] == ["wire", "source"]


def test_a_rate_is_told_in_words() -> None:
    (found,) = verdict(app(POST), app(rated(0.5, 1, per="user")))
    assert (found.way, found.old, found.new) == ("c2s", "any", "0.5/s, burst 1, per user")
    (found,) = verdict(inside(Rate(5, 10)), inside(Rate(4, 10)))
    assert str(found.place) == "move room lobby"


def test_what_a_newer_version_adds_is_never_safe() -> None:
    old, new = chat(), chat()
    new["features"] = ["presence"]
    new["events"][0]["priority"] = 1
    new["rooms"][0]["quota"] = 1
    found = compare(old, sealed(new))
    assert [one.code for one in found] == [Code.UNKNOWN_CHANGED] * 3
    assert {one.level for one in found} == {Level.SILENT}


def test_findings_have_one_order_whatever_the_order_of_the_document() -> None:
    forward = verdict(app(POST, POSTED), app())
    assert forward == sorted(forward, key=Finding.order) == verdict(app(POSTED, POST), app())


def test_what_has_no_direction_is_as_bad_in_both() -> None:
    for old, new, _ in TABLE.values():
        for one in verdict(old, new):
            assert one.way is not None or RULES[one.code].c2s == RULES[one.code].s2c


def test_every_code_of_events_and_rooms_is_in_the_table() -> None:
    shown = {code for _, _, expected in TABLE.values() for code in expected}
    words = ("EVENT", "ROOM", "AUTH", "REPLY", "REFUSAL", "DIRECTION", "PATH", "TITLE")
    assert {code.value for code in Code if code.value.startswith(words)} <= shown
