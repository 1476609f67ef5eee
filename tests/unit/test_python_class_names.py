# ruff: noqa: RUF001 - letters that look alike are what is tested
"""Classes of generated Python clients: no thing of a contract names the class of another."""

import ast
import inspect
import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from bytesocket_app import ByteSocket, ClientEvent, Router, ServerEvent
from bytesocket_app.contract.compatibility import compare
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.levels import Level
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.events import declare
from bytesocket_app.events.names import checked_class_name
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.python_classes import NameCollision
from bytesocket_cli.codegen.python_names import (
    class_name,
    field_names,
    member_names,
    refusal_class_name,
    type_class_name,
)
from bytesocket_cli.errors import CliError
from tests.support.contracts import (
    INTEGER,
    STRING,
    event,
    minimal,
    model,
    ref,
    room,
    room_event,
    sealed,
)
from tests.support.generated import load

LETTERS = [
    *"aA_1 -:.$²½ªµſﬁ𝐱𝒾Kéßıİ中ʼnǰ٣‿·℮゛ΐ",
    "e\u0301",
    "\u0301",
    "\u200d",
    "\ufe0f",
    "class",
    "None",
    "match",
    "type",
    "str",
    "__init__",
    "__class__",
    "model_dump",
    "json",
    "self",
    "ﬁnally",
    "𝐝𝐞𝐟",
    "name",
    "CONTRACT",
]
SPELLED = ["é", "e\u0301"]
TWICE = {"type": "array", "items": ref("User")}


def document(**more: Any) -> Any:
    return sealed({**minimal(), "events": [], **more})


def classes(text: str) -> set[str]:
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}


def names(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    made = ("".join(chance.choices(LETTERS, k=chance.randint(1, 4))) for _ in range(count))
    return list(dict.fromkeys([*SPELLED, *made]))


@pytest.mark.parametrize("seed", range(20))
def test_any_names_become_different_identifiers_as_python_reads_them(seed: int) -> None:
    wire = names(seed, 60)
    for chosen in (field_names(wire, {"int"}), member_names(wire)):
        assert list(chosen) == wire
        source = "\n".join(["class A:", *(f"    {name}: int = 1" for name in chosen.values())])
        targets = [n.target for n in ast.walk(ast.parse(source)) if isinstance(n, ast.AnnAssign)]
        read = [target.id for target in targets if isinstance(target, ast.Name)]
        assert read == list(chosen.values())
        assert len({*read}) == len(wire)
        assert not any(name.startswith("_") for name in read)
    for text in wire:
        for made in (class_name(text, "Room"), type_class_name(text), refusal_class_name(text)):
            assert made.isidentifier()
            assert unicodedata.normalize("NFKC", made) == made
            ast.parse(f"class {made}: ...")


@pytest.mark.parametrize("seed", range(10))
def test_any_names_make_a_module_that_keeps_them_on_the_wire(seed: int, tmp_path: Path) -> None:
    wire = names(seed, 25)
    types = {
        "Payload": model(dict.fromkeys(wire, INTEGER)),
        "Kind": {"enum": wire, "x-enum-names": wire, "type": "string"},
    }
    made = document(
        title=wire[-1],
        events=[event("kind", "both", ref("Kind")), event(wire[-2], "both", ref("Payload"))],
        rooms=[room(wire[-3].replace("{", ""))],
        types=types,
    )
    module = load(python(made), f"named_{seed}", tmp_path)
    sent = {name: at for at, name in enumerate(wire)}
    assert module.Payload.model_validate(sent).model_dump(by_alias=True) == sent
    assert [member.value for member in module.Kind] == wire


def test_a_name_that_python_takes_is_never_given_to_another() -> None:
    assert field_names(["a-b", "a_b", "x²", "x2"], ()) == {
        "a-b": "a_b_",
        "a_b": "a_b",
        "x²": "x2_",
        "x2": "x2",
    }
    assert field_names(["ﬁ"], ()) == {"ﬁ": "fi"}


@pytest.mark.parametrize(
    ("code", "name"),
    [("too_low", "TooLowError"), ("parse_error", "ParseError"), ("muted", "MutedError")],
)
def test_a_refusal_is_named_after_its_code(code: str, name: str) -> None:
    assert refusal_class_name(code) == name


LEFT = [event("user-left", "server", STRING), event("user:left", "server", STRING)]
TOO_LOW = {"too_low": {"doc": "", "data": None}}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (
            {"events": LEFT},
            r"event 'user-left' and event 'user:left' .* class UserLeft: say class_name=",
        ),
        (
            {"events": [event("user", "client", STRING)], "types": {"User": model({})}},
            r"event 'user' and type 'User' .* class User: say class_name=",
        ),
        (
            {"rooms": [room("doc"), room("doc:{id}", params={"id": STRING})]},
            r"room 'doc' and room 'doc:\{id\}' .* class DocRoom: .*app\.room\(",
        ),
        (
            {"types": {"DocRoom": model({})}, "rooms": [room("doc")]},
            "room 'doc' and type 'DocRoom' .* class DocRoom",
        ),
        (
            {"title": "Many", "types": {"ManyClient": model({})}},
            "client 'Many' and type 'ManyClient' .* rename the model",
        ),
        (
            {"refusals": TOO_LOW, "types": {"TooLowError": model({})}},
            "refusal 'too_low' and type 'TooLowError' .* rename the model",
        ),
        (
            {"refusals": {**TOO_LOW, "too__low": TOO_LOW["too_low"]}},
            "refusal 'too__low' and refusal 'too_low' .* another code",
        ),
        (
            {"types": {"e\u0301": model({}), "é": model({})}},
            "type .* and type .* rename the model",
        ),
        (
            {"types": {"list": model({}), "listModel": model({})}},
            "type 'list' and type 'listModel' .* class listModel",
        ),
    ],
)
def test_two_classes_of_one_name_are_an_error_that_names_both(
    declared: dict[str, Any], said: str
) -> None:
    with pytest.raises(NameCollision, match=said):
        python(document(**declared))


def test_a_collision_can_tell_where_both_events_are_declared() -> None:
    with pytest.raises(NameCollision) as raised:
        python(document(events=LEFT))
    told = str(raised.value.located({"user-left": "a.py:1", "user:left": "b.py:2"}))
    assert told.startswith("event 'user-left' (a.py:1) and event 'user:left' (b.py:2) would")


def test_a_chosen_class_name_keeps_the_other_as_it_was() -> None:
    chosen = [{**LEFT[0], "class_name": "UserHasLeft"}, LEFT[1]]
    assert {"UserHasLeft", "UserLeft"} <= classes(python(document(events=chosen)))
    both = {**event("say", "both", STRING), "input": INTEGER, "class_name": "Said"}
    assert {"Said", "SaidInput"} <= classes(python(document(events=[both])))
    rooms = [room("doc"), room("doc:{id}", params={"id": STRING}, class_name="OneDocRoom")]
    assert {"DocRoom", "OneDocRoom"} <= classes(python(document(rooms=rooms)))


def test_a_chosen_class_name_is_that_of_the_payloads_class() -> None:
    types = {"Post": model({"a": ref("Post")}), "Shared": model({})}
    text = python(
        document(
            events=[
                {**event("post", "client", ref("Post")), "class_name": "Posting"},
                {**event("one", "client", ref("Shared")), "class_name": "Shared"},
                event("two", "client", ref("Shared")),
            ],
            types=types,
        )
    )
    assert "Post" not in classes(text)
    assert "class Shared(_bs.Model, _bs.ClientEvent, " in text
    assert "class Two(_bs.ClientEvent, Shared, " in text
    assert 'a: "Posting"' in text


@pytest.mark.parametrize("name", ["a b", "class", "_x", "", 7, "list", "RefusalCode", "x²", "ﬁ"])
def test_a_chosen_name_in_a_contract_must_be_a_class_name(name: Any) -> None:
    with pytest.raises(CliError, match=r"class_name=.* of event .* identifier"):
        python(document(events=[{**LEFT[0], "class_name": name}]))


@pytest.mark.parametrize("name", ["a b", "class", "_x", "", 7, "x²"])
def test_a_declared_class_name_must_be_one(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"class_name=.* of event 'post'"):
        declare("post", str, class_name=name)
    with pytest.raises(ConfigurationError, match=r"class_name=.* of Post \(tests\."):
        type("Post", (ClientEvent,), {"__module__": __name__}, class_name=name)
    assert checked_class_name("ﬁ", "it", "here") == "fi"


EXTRA: list[dict[str, Any]] = [
    {"events": [event("more", "client", STRING)]},
    {"events": [event("User", "server", INTEGER, reply=None)]},
    {"types": {"Status": model({"a": INTEGER}), "ChatPosted": model({})}},
    {"rooms": [room("ask", client_events=[room_event("post")]), room("post:{id}")]},
    {"refusals": {"more_often": {"doc": "", "data": ref("User")}}},
]


@pytest.mark.parametrize("more", EXTRA)
def test_what_is_added_moves_no_class(more: dict[str, Any]) -> None:
    base: dict[str, Any] = {
        "events": [
            event("post", "client", ref("Post"), reply=ref("User")),
            event("chat:posted", "server", STRING),
            event("user", "server", TWICE),
            event("status", "client", STRING, reply=ref("Status")),
        ],
        "rooms": [room("doc:{id}", params={"id": STRING})],
        "refusals": TOO_LOW,
        "types": {
            "Post": model({}),
            "User": model({}),
            "Status": model({}),
            "_Hidden": model({}),
        },
    }
    before = python(document(**base))
    grown = {key: base[key] | more.get(key, {}) for key in ("refusals", "types")}
    grown |= {key: base[key] + more.get(key, []) for key in ("events", "rooms")}
    try:
        after = python(document(**grown))
    except NameCollision:
        return
    assert classes(before) <= classes(after)
    assert {"UserEvent", "StatusEvent", "ModelHidden", "ChatPosted"} <= classes(before)
    heads = [line for line in before.splitlines() if line.startswith("class ") and "name=" in line]
    kept = {line.partition("(")[0]: line.rpartition(" name=")[2] for line in heads}
    for line in after.splitlines():
        name = line.partition("(")[0]
        assert name not in kept or line.rpartition(" name=")[2] == kept[name]


class Left(ServerEvent, name="left", class_name="HasLeft"):
    """A class with a name for clients."""


class LeftAgain(Left, name="again"):
    """A derived class has a name of its own."""


def test_a_class_name_is_in_the_contract_only_where_one_is_chosen() -> None:
    app = ByteSocket(title="Chosen", events=[Left, LeftAgain])
    app.declare("user-left", str, direction="client", class_name="Leaver")
    app.room("doc", class_name="DocsRoom")
    router = Router()
    router.room("doc:{at}", class_name="OneDocRoom")
    router.room("hall")
    app.include(router)
    found = app.contract().document
    events = {one["name"]: one.get("class_name", "-") for one in found["events"]}
    assert events == {"left": "HasLeft", "again": "-", "user-left": "Leaver"}
    rooms = {one["pattern"]: one.get("class_name", "-") for one in found["rooms"]}
    assert rooms == {"doc": "DocsRoom", "doc:{at}": "OneDocRoom", "hall": "-"}
    with pytest.raises(ConfigurationError, match=r"class_name='_x' of room 'x' \(.*\.py:\d+\)"):
        app.room("x", class_name="_x")


@pytest.mark.parametrize(("key", "name"), [("events", "say"), ("rooms", "doc")])
def test_another_class_name_is_a_change_of_source_only(key: str, name: str) -> None:
    plain = document(events=[event("say", "client", STRING)], rooms=[room("doc")])
    chosen = json.loads(json.dumps(plain))
    chosen[key][0]["class_name"] = "Another"
    for old, new in ((plain, chosen), (chosen, plain)):
        (found,) = compare(old, new)
        assert found.code is Code.CLASS_NAME_CHANGED
        assert name in {found.place.event, found.place.room}
        assert found.level is Level.SOURCE


def test_a_class_is_declared_without_reading_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generated module of a thousand events would be parsed a thousand times."""

    def read(*_: object) -> None:
        raise AssertionError("the source was read")

    monkeypatch.setattr(inspect, "getsourcelines", read)

    class Quick(ClientEvent):
        pass

    assert Quick.__event_class_name__ is None
