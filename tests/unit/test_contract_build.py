"""From declarations to the document: what stands where, and always the same bytes."""

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from bytesocket_app.contract import (
    NO_REPLY,
    ContractError,
    ContractSource,
    EventEntry,
    MessageAuth,
    RoomEntry,
    RoomEventEntry,
    build,
)
from bytesocket_app.errors import AuthError, Refusal
from bytesocket_app.events.model import ClientEvent, Event, ServerEvent

ROOT = Path(__file__).parents[2]


class Post(ClientEvent, name="chat:post"):
    """Ask the server to post a message."""

    text: Annotated[str, Field(min_length=1)]
    loud: bool = False


class Posted(ServerEvent, name="chat:posted"):
    text: str


class Reaction(Event, name="chat:reaction"):
    emoji: str = "+1"


class Receipt(BaseModel):
    message_id: int


class Token(BaseModel):
    token: str


class Muted(Refusal, code="muted"):
    """You may not speak."""

    data: Receipt


class Full(Refusal, code="full"):
    pass


SOURCE = ContractSource(
    "Chat",
    version="1.0.0",
    auth=MessageAuth(Token),
    events=(
        EventEntry("chat:posted", "server", Posted, is_global=True),
        EventEntry("chat:reaction", "both", Reaction, volatile=True),
        EventEntry(
            "chat:post",
            "client",
            Post,
            doc="Ask.",
            is_global=True,
            reply=Receipt,
            raises=(Muted, Full),
        ),
    ),
    rooms=(
        RoomEntry("lobby", client_events=(RoomEventEntry("chat:reaction"),)),
        RoomEntry(
            "doc:{doc_id}",
            {"doc_id": UUID},
            "server",
            (RoomEventEntry("chat:reaction", int, (Full,)), RoomEventEntry("chat:post")),
            ("chat:reaction", "chat:posted", "chat:posted"),
        ),
    ),
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build(SOURCE).document


def event(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in document["events"] if entry["name"] == name)
    return found


def one(entry: EventEntry) -> dict[str, Any]:
    found: dict[str, Any] = build(ContractSource("t", events=(entry,))).document["events"][0]
    return found


# ---- what stands where


def test_the_head_is_as_declared(document: dict[str, Any]) -> None:
    head = {key: document[key] for key in ("format", "title", "version", "path", "serialization")}
    assert head == {
        "format": 1,
        "title": "Chat",
        "version": "1.0.0",
        "path": "/ws",
        "serialization": "binary",
    }


def test_a_client_event_has_input_only(document: dict[str, Any]) -> None:
    assert event(document, "chat:post") == {
        "name": "chat:post",
        "direction": "client",
        "volatile": False,
        "doc": "Ask.",
        "input": {"$ref": "#/types/Post"},
        "output": None,
        "global": True,
        "reply": {"$ref": "#/types/Receipt"},
        "refusals": ["full", "muted"],
    }


def test_a_server_event_has_output_only_and_is_never_sent_by_clients(
    document: dict[str, Any],
) -> None:
    posted = event(document, "chat:posted")
    assert posted["input"] is None
    assert posted["output"] == {"$ref": "#/types/Posted"}
    assert posted["global"] is False
    assert posted["reply"] is None


def test_an_event_of_both_directions_has_a_type_for_each(document: dict[str, Any]) -> None:
    reaction = event(document, "chat:reaction")
    assert reaction["input"] == {"$ref": "#/types/ReactionInput"}
    assert reaction["output"] == {"$ref": "#/types/Reaction"}
    assert reaction["volatile"] is True


def test_documentation_of_the_event_bases_does_not_leak(document: dict[str, Any]) -> None:
    assert "description" not in document["types"]["Posted"]
    assert document["types"]["Post"]["description"] == "Ask the server to post a message."


def test_rooms_have_their_parameters_and_events(document: dict[str, Any]) -> None:
    doc, lobby = document["rooms"]
    assert doc == {
        "pattern": "doc:{doc_id}",
        "params": {"doc_id": {"type": "string", "format": "uuid"}},
        "join": "server",
        "client_events": [
            {"name": "chat:post", "reply": None, "refusals": []},
            {"name": "chat:reaction", "reply": {"type": "integer"}, "refusals": ["full"]},
        ],
        "server_events": ["chat:posted", "chat:reaction"],
    }
    assert lobby["pattern"] == "lobby"


def test_refusals_are_described_once_with_their_data(document: dict[str, Any]) -> None:
    assert document["refusals"] == {
        "full": {"doc": "", "data": None},
        "muted": {"doc": "You may not speak.", "data": {"$ref": "#/types/Receipt"}},
    }


def test_credentials_are_an_input(document: dict[str, Any]) -> None:
    assert document["auth"] == {"via": "message", "credentials": {"$ref": "#/types/Token"}}
    assert build(ContractSource("t", auth="handshake")).document["auth"] == {"via": "handshake"}
    assert build(ContractSource("t")).document["auth"] is None


@pytest.mark.parametrize("nothing", [None, type(None), NO_REPLY])
def test_a_handler_that_answers_nothing_has_no_reply(nothing: object) -> None:
    assert one(EventEntry("e", "client", int, reply=nothing))["reply"] is None


def test_refusals_of_the_framework_bring_no_documentation_of_their_own() -> None:
    entry = EventEntry("e", "client", int, raises=(Refusal, AuthError))
    refusals = build(ContractSource("t", events=(entry,))).document["refusals"]
    assert refusals == {
        "refused": {"doc": "", "data": None},
        "unauthorized": {"doc": "", "data": None},
    }


def test_payloads_need_not_be_models() -> None:
    assert one(EventEntry("e", "client", None))["input"] == {"type": "null"}
    assert one(EventEntry("e", "server", list[int]))["output"]["type"] == "array"


def test_a_number_and_its_text_are_two_events_in_a_fixed_order() -> None:
    entries = (EventEntry("7", "client", int), EventEntry(7.0, "client", int))
    names = [e["name"] for e in build(ContractSource("t", events=entries)).document["events"]]
    assert names == [7, "7"]
    assert isinstance(names[0], int)


# ---- refusals at build


def test_an_event_declared_twice_is_refused() -> None:
    entries = (EventEntry(7, "client", int), EventEntry(7.0, "client", str))
    with pytest.raises(ContractError, match="is declared twice"):
        build(ContractSource("t", events=entries))


def test_a_room_declared_twice_is_refused() -> None:
    with pytest.raises(ContractError, match="Room 'a' is declared twice"):
        build(ContractSource("t", rooms=(RoomEntry("a"), RoomEntry("a"))))


def test_two_meanings_of_one_refusal_are_refused() -> None:
    class Silenced(Refusal, code="muted"):
        """Something else."""

    entry = EventEntry("e", "client", int, raises=(Muted, Silenced))
    with pytest.raises(ContractError, match=r"code 'muted' \(.*test_contract_build"):
        build(ContractSource("t", events=(entry,)))


class Unfit:
    pass


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (ContractSource("t", auth=MessageAuth(Unfit)), "credentials parameter of auth"),
        (ContractSource("t", rooms=(RoomEntry("r:{x}", {"x": Unfit}),)), "parameter `x` of room"),
        (
            ContractSource("t", events=(EventEntry("a", "client", int, reply=Unfit),)),
            "reply to event 'a'",
        ),
        (
            ContractSource(
                "t", rooms=(RoomEntry("r", client_events=(RoomEventEntry("b", Unfit),)),)
            ),
            "reply to event 'b' in room 'r'",
        ),
    ],
)
def test_a_type_without_a_schema_is_refused_with_its_place(
    source: ContractSource, place: str
) -> None:
    with pytest.raises(ContractError, match="has no form in JSON") as caught:
        build(source)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_nowhere_is_told_from_a_type_without_a_schema() -> None:
    with pytest.raises(ContractError, match=r"event 'a' is not complete: .*Nowhere.*TYPE_CHECKING"):
        one(EventEntry("a", "server", "Nowhere"))


def test_a_hundred_events_are_built_in_well_under_half_a_second() -> None:
    entries = tuple(
        EventEntry(f"e{i}", "both", create_model(f"E{i}", text=(str, ...), of=(Reaction, ...)))
        for i in range(100)
    )
    start = time.process_time()  # of this process alone: a busy machine changes nothing
    build(ContractSource("t", events=entries))
    assert time.process_time() - start < 0.5


# ---- determinism


def test_the_order_of_registration_does_not_matter(document: dict[str, Any]) -> None:
    for events in itertools.permutations(SOURCE.events):
        source = ContractSource(
            "Chat", "1.0.0", auth=SOURCE.auth, events=events, rooms=SOURCE.rooms[::-1]
        )
        assert build(source).document == document


APP = """
import sys
import enum
from typing import Annotated, Generic, List, Literal, Optional, Set, TypeVar, Union
if "swap" in sys.argv:      # typing hands out whichever spelling was built first
    List[Union[str, int]], List[Literal["b", "a"]]
else:
    List[Union[int, str]], List[Literal["a", "b"]]
from pydantic import BaseModel, Field, create_model
from bytesocket_app.contract import ContractSource, EventEntry, build
T = TypeVar("T")
class Page(BaseModel, Generic[T]):
    items: List[T]
class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tags: Set[str] = {"x", "y", "z"}
    both: List[Union[int, str]] = []
    which: List[Literal["a", "b"]] = []
class Outer:
    class Cat(BaseModel):
        other: Optional["Cat"] = None
class Perm(enum.IntFlag):
    A = 1
    B = 2
def contract():
    events = [
        EventEntry("a", "both", Page[Union[Cat, None]]),
        EventEntry("b", "both", Annotated[Union[Cat, Dog], Field(discriminator="kind")]),
        EventEntry("c", "both", Outer.Cat),
        EventEntry(3, "server", Perm),
    ]
    return build(ContractSource("t", events=events[::-1] if "swap" in sys.argv else events))
if __name__ == "__main__":
    print(contract().to_json())
"""


def run(folder: Path, *arguments: str, seed: str) -> str:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_hash_seed_import_order_and_running_as_main_do_not_matter(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "app.py").write_text(APP)
    imported = "import shop.app as app; print(app.contract().to_json())"
    texts = [
        run(tmp_path, "-c", imported, seed="0"),
        run(tmp_path, "-c", imported, "swap", seed="1"),
        run(tmp_path, "-m", "shop.app", seed="2"),
        run(tmp_path, str(package / "app.py"), "swap", seed="random"),
    ]
    assert len(set(texts)) == 1
    types = set(json.loads(texts[0])["types"])
    assert {"AppCat", "AppCatInput", "OuterCat", "OuterCatInput", "PageOfCatOrNone"} <= types
