"""The catalogue holds an application's events: each once, by one name, in one direction."""

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app import ClientEvent, ConfigurationError, Event, ServerEvent, UndeclaredEvent
from bytesocket_app.errors import where
from bytesocket_app.events import Catalogue, EventSpec, declare


class Post(ClientEvent, name="chat:post"):
    """Ask for a post.

    At once.
    """

    text: str


class Posted(ServerEvent, name="chat:posted", volatile=True):
    text: str


class Reaction(Event):
    emoji: str


class Base(ServerEvent, abstract=True):
    pass


class Seven(ServerEvent, name=7):
    pass


class SevenAsText(ServerEvent, name="7"):
    pass


def refused(source: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Catalogue(source)
    return str(caught.value)


def test_a_class_is_declared_with_what_it_says() -> None:
    catalogue = Catalogue([Post, Posted, Reaction])
    assert list(catalogue.by_name) == ["chat:post", "chat:posted", "reaction"]
    post, posted, reaction = catalogue
    assert (post.from_client, post.from_server) == (True, False)
    assert (posted.from_client, posted.from_server) == (False, True)
    assert (reaction.from_client, reaction.from_server) == (True, True)
    assert posted.volatile
    assert not post.volatile
    assert post.doc == "Ask for a post.\n\nAt once."
    assert reaction.doc == ""
    assert post.source == where(Post)
    assert repr(post) == f"<event 'chat:post' from client, {where(Post)}>"


def test_a_handle_is_declared_with_its_reply_and_place() -> None:
    handle = declare("stock:item", int, direction="client", reply=str)
    spec = Catalogue([handle]).by_name["stock:item"]
    assert (spec.direction, spec.reply, spec.source) == ("client", str, handle.source)
    assert (spec.payload.annotation, spec.volatile, spec.doc) == (int, False, "")


def test_declaring_twice_is_declaring_once() -> None:
    catalogue = Catalogue([Post, Post])
    assert catalogue.declare(Post) is catalogue.spec(Post)
    assert len(list(catalogue)) == 1


def test_a_spec_without_origin_has_no_place_unless_told() -> None:
    assert EventSpec("a", "client", int).source == ""
    assert EventSpec("a", "client", int, source="here").source == "here"


def test_two_classes_of_one_name_are_refused_with_both_places() -> None:
    class Post(ClientEvent, name="chat:post"):
        pass

    message = refused([globals()["Post"], Post])
    assert "Two events are named 'chat:post'" in message
    assert where(globals()["Post"]) in message
    assert where(Post) in message
    assert "another name with `name=`" in message


def test_a_number_and_its_text_are_too_alike_to_be_two_names() -> None:
    assert "Two events are named '7'" in refused([Seven, SevenAsText])
    assert "Two events are named 7" in refused([SevenAsText, declare(7.0, int)])


def test_two_handles_of_one_name_are_refused_with_both_places() -> None:
    one, two = declare("a", int), declare("a", int)
    message = refused([one, two])
    assert one.source in message
    assert two.source in message


def test_two_unplaced_specs_of_one_name_are_refused_by_name() -> None:
    catalogue = Catalogue()
    catalogue.add(EventSpec("a", "client", int))
    with pytest.raises(ConfigurationError, match="'a' and 'a'"):
        catalogue.add(EventSpec("a", "client", int))


def test_a_base_is_no_event() -> None:
    message = refused([Base])
    assert f"Base is a base for events, not an event ({where(Base)})" in message


@pytest.mark.parametrize("item", [5, "chat:post", int, Post(text="hi"), [Post], None])
def test_what_is_no_event_is_refused_where_it_was_passed(item: Any) -> None:
    message = refused([item])
    assert f"is no event ({__file__}:" in message
    assert "ServerEvent or Event" in message


@pytest.mark.parametrize("source", ["chat.events", Post, {Post}, 5, None])
def test_what_is_no_place_for_events_is_refused(source: Any) -> None:
    assert "pass a module, as in `from . import events`, or a list" in refused(source)


def test_a_server_event_can_go_out() -> None:
    catalogue, event = Catalogue([Posted, Reaction]), Posted(text="hi")
    assert catalogue.outgoing(event) == (catalogue.spec(Posted), event)
    handle = declare("n", int)
    spec = catalogue.declare(handle)
    assert catalogue.outgoing(handle(7)) == (spec, 7)


def not_outgoing(catalogue: Catalogue, event: object) -> str:
    with pytest.raises(UndeclaredEvent) as caught:
        catalogue.outgoing(event)
    return str(caught.value)


def test_a_client_event_cannot_be_emitted() -> None:
    message = not_outgoing(Catalogue([Post]), Post(text="x"))
    assert message == (
        f"Event 'chat:post' cannot be emitted: clients send it ({where(Post)}). Derive it from "
        "ServerEvent, or from Event for both directions."
    )


def test_a_client_payload_cannot_be_emitted() -> None:
    handle = declare("n", int, direction="client")
    message = not_outgoing(Catalogue([handle]), handle(1))
    assert f"Event 'n' cannot be emitted: clients send it ({handle.source})." in message
    assert "direction='server' or 'both'" in message


def test_an_undeclared_event_cannot_be_emitted_and_a_near_name_is_shown() -> None:
    class ChatPostd(ServerEvent, name="chat:postd"):
        pass

    message = not_outgoing(Catalogue([Posted]), ChatPostd())
    assert f"ChatPostd ({where(ChatPostd)}) is not declared to this application" in message
    assert message.endswith("Did you mean 'chat:posted'?")
    assert not_outgoing(Catalogue([]), ChatPostd()).endswith("`ByteSocket(events=...)`.")


def test_a_class_derived_from_a_declared_one_is_not_declared() -> None:
    class Special(Posted):
        pass

    assert "Special" in not_outgoing(Catalogue([Posted]), Special(text=""))


def test_an_undeclared_payload_cannot_be_emitted() -> None:
    handle = declare("stock:itm", int)
    message = not_outgoing(Catalogue([declare("stock:item", int)]), handle(1))
    assert f"Event 'stock:itm' ({handle.source}) is not declared" in message
    assert message.endswith("Did you mean 'stock:item'?")


@pytest.mark.parametrize("thing", [{"event": "secret"}, "secret", None, 5])
def test_what_is_no_event_cannot_be_emitted(thing: Any) -> None:
    message = not_outgoing(Catalogue([]), thing)
    assert f"A value of type {type(thing).__name__} is no event: emit an instance" in message
    assert "secret" not in message


def test_a_class_is_no_event_to_emit() -> None:
    assert "Posted'> is no event: emit an instance" in not_outgoing(Catalogue([]), Posted)


def test_specs_are_found_by_origin_and_nothing_else() -> None:
    catalogue = Catalogue([Post])
    assert catalogue.spec(Post) is not None
    assert catalogue.spec(Posted) is None
    assert catalogue.spec([]) is None


@given(st.lists(st.one_of(st.integers(0, 9), st.sampled_from("0123456789")), unique=True))
def test_names_are_unique_as_text(names: list[Any]) -> None:
    catalogue, texts = Catalogue(), set[str]()
    for name in names:
        spec = EventSpec(name, "client", int)
        if str(name) in texts:
            with pytest.raises(ConfigurationError):
                catalogue.add(spec)
        else:
            assert catalogue.add(spec) is spec
        texts.add(str(name))
    assert {str(name) for name in catalogue.by_name} == texts


PACKAGE = {
    "__init__.py": "from shared_events import Foreign\nfrom users_events.posts import Post\n",
    "__main__.py": "raise SystemExit('importing me runs me')\n",
    "posts.py": (
        "from bytesocket_app import ClientEvent, ServerEvent\n"
        "from bytesocket_app.events import declare\n"
        "class Base(ServerEvent, abstract=True): ...\n"
        "class Post(ClientEvent): ...\n"
        "class Posted(Base): ...\n"
        "item = declare('item', int)\n"
    ),
    "deep/__init__.py": "",
    "deep/deeper.py": "from bytesocket_app import Event\nclass Reaction(Event): ...\n",
}
FOREIGN = "from bytesocket_app import ServerEvent\nclass Foreign(ServerEvent): ...\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, text in PACKAGE.items():
        path = tmp_path / "users_events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "shared_events.py").write_text(FOREIGN)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    invalidate_caches()
    for name in [n for n in sys.modules if n.startswith(("users_events", "shared_events"))]:
        monkeypatch.delitem(sys.modules, name)
    return import_module("users_events")


def test_a_module_is_collected_with_its_submodules(package: ModuleType) -> None:
    assert set(Catalogue(package).by_name) == {"post", "posted", "item", "reaction"}


def test_bases_and_classes_of_other_modules_are_left_alone(package: ModuleType) -> None:
    assert "foreign" in Catalogue(import_module("shared_events")).by_name
    assert "base" not in Catalogue(package).by_name


def test_one_module_is_collected_alone(package: ModuleType) -> None:
    catalogue = Catalogue(import_module(f"{package.__name__}.posts"))
    assert list(catalogue.by_name) == ["post", "posted", "item"]
