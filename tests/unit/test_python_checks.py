"""Generated Python under strict checkers, one run of each: what is right, and what is not."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bytesocket_app.client.listeners import event_class
from bytesocket_app.errors import ConfigurationError
from bytesocket_cli.codegen.python import python
from tests.nasty import MODULES, contract
from tests.nasty.probing import Prober, is_object
from tests.support import contracts, generated_chat, nasty
from tests.support.checkers import run_mypy, run_pyright
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
from tests.support.generated import PythonClient, load
from tests.support.python_checks import CheckFile
from tests.support.typescript_checks import Counts

ROOT = Path(__file__).parents[2]
LEAST = {"valid": 100, "typo": 70, "omit": 90, "need": 50, "reject": 200}
CANARY = """import nasty_presence as m

m.PresenceInput(a=1, b=2)
m.PresenceInput(a=1, b="x")
"""
USE = """import many_150 as m

async def main(client: m.ManyClient) -> None:
    reply: m.Reply7 = await client.request(m.Ask7(a=1))
    print(reply, await client.request(m.Ask7(b=1)))  # wrong
    await client.emit(m.Told7(b="x"))  # wrong

    @client.on(m.Told7)
    async def first(event: m.Told7) -> None: ...

    @client.on("told:7")
    async def second(event: m.Told7) -> None: ...

    @client.on("told:7")  # wrong
    async def third(event: m.Told8) -> None: ...

    client.off("told:7", second)
    async for told in client.events("told:7"):
        print(told.b)
    client.events("ask:7")  # wrong
    client.off("told", second)  # wrong
"""
USE_MANY = """import many_300 as m

async def main(client: m.ManyClient) -> None:
    reply: m.Reply7 = await client.request(m.Ask7(a=1))
    print(reply)

    @client.on(m.Told299)
    async def first(event: m.Told299) -> None: ...
"""

USE_PLACES = """import typing as t
import places as m

async def main(client: m.PlacesClient, event: m.Save) -> None:
    one = client.join("one")
    two = client.join("two:{at}", at=7)
    t.assert_type(await client.request(event), int)
    t.assert_type(await one.request(event), str)
    t.assert_type(await two.request(event), None)
    t.assert_type(await client.request(m.Node(children=[])), m.Node)
    t.assert_type(await client.request(m.Leaf(a=1)), list[m.Leaf | int])
    t.assert_type(await client.request(m.Choose("x")), t.Literal["a", "b"] | None)
    t.assert_type(await one.request(m.Relayed(a=1)), None)
    t.assert_type(await client.emit(m.Leaf(a=1)), t.Literal["sent", "queued", "dropped"])
    await two.emit(event)
    await one.request(m.Node(children=[]))  # wrong: only outside rooms
    await client.request(m.Relayed(a=1))  # wrong: only in a room
    await client.emit(m.Relayed(a=1))  # wrong
    await two.emit(m.Relayed(a=1))  # wrong: of the other room
    await client.request(event, 3)  # wrong: a timeout has a name
"""
USE_WIDE = """import wide as m

async def main(client: m.WideClient) -> None:
    reply = await client.request(m.Say(m.Kind299(a=1)))
    if isinstance(reply, m.Kind7):
        print(reply.a)
    m.Hold(one=m.Kind0(a=2), some=[m.Kind1(a=1), None])
    m.Say("x")  # wrong

    @client.on(m.Hold)
    async def hold(event: m.Hold) -> None:
        print(event.one)
"""

Line = tuple[str, int]


def many(count: int) -> contracts.Document:
    """A contract with so many events in each direction."""
    types: dict[str, Any] = {}
    events: list[Any] = []
    for at in range(count):
        types |= {
            f"Ask{at}": model({"a": INTEGER}),
            f"Told{at}": model({"b": STRING}),
            f"Reply{at}": model({"c": INTEGER}),
        }
        reply = ref(f"Reply{at}") if at < count // 3 else None
        events.append(event(f"ask:{at}", "client", ref(f"Ask{at}"), reply=reply))
        events.append(event(f"told:{at}", "server", ref(f"Told{at}")))
    return sealed({**minimal(), "title": "Many", "events": events, "types": types})


def places() -> contracts.Document:
    """A contract whose events have other replies in other places, and replies that recur."""
    leaves = {"type": "array", "items": {"anyOf": [ref("Leaf"), INTEGER]}}
    choice = {"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "null"}]}
    children = {"type": "array", "items": ref("Node")}
    return sealed(
        {
            **minimal(),
            "title": "Places",
            "events": [
                event("choose", "client", STRING, reply=choice),
                event("leaf", "client", ref("Leaf"), reply=ref("Leaves")),
                event("node", "client", ref("Node"), reply=ref("Node")),
                event("relayed", "both", ref("Relayed"), **{"global": False}),
                event("save", "client", ref("Save"), reply=INTEGER),
            ],
            "rooms": [
                room("one", client_events=[room_event("relayed"), room_event("save", STRING)]),
                room("two:{at}", params={"at": INTEGER}, client_events=[room_event("save")]),
            ],
            "types": {
                "Leaf": model({"a": INTEGER}),
                "Leaves": leaves,
                "Node": model({"children": children}),
                "Relayed": model({"a": INTEGER}),
                "Save": model({"a": INTEGER}),
            },
        }
    )


def wide(count: int) -> contracts.Document:
    """A contract with a union of so many members as a payload, a field, an item and a reply."""
    names = [f"Kind{at}" for at in range(count)]
    union = {"anyOf": [ref(name) for name in names]}
    either = {"anyOf": [*union["anyOf"], {"type": "null"}]}
    hold = model({"one": ref("Either"), "some": {"type": "array", "items": either}}, of=union)
    return sealed(
        {
            **minimal(),
            "title": "Wide",
            "events": [
                event("hold", "server", ref("Hold")),
                event("say", "client", union, reply=either),
            ],
            "types": {
                **{name: model({"a": INTEGER}) for name in names},
                "Either": union,
                "Hold": hold,
            },
        }
    )


class Programs(NamedTuple):
    """Programs on disk, the lines of them that are wrong, and how many checks there are."""

    folder: Path
    wrong: set[Line]
    counts: Counts


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp("checked")
    wrong: set[Line] = {("canary.py", 4)}
    counts: Counts = Counter()
    (folder / "canary.py").write_text(CANARY, encoding="utf-8")
    for name, cases in MODULES.items():
        client = load(python(contract(name, cases).document), f"nasty_{name}", folder)
        checks = CheckFile(client)
        checks.add(cases)
        (folder / f"check_{name}.py").write_text(checks.source(), encoding="utf-8")
        wrong |= {(f"check_{name}.py", line) for line in checks.wrong}
        counts += checks.counts
    for name, document in {
        "shadows": nasty.document(),
        "chat": contracts.chat(),
        "files": contracts.files(),
        "empty": minimal(),
        "many_150": many(150),
        "many_300": many(300),
        "places": places(),
        "wide": wide(300),
    }.items():
        (folder / f"{name}.py").write_text(python(document), encoding="utf-8")
    (folder / "use_150.py").write_text(USE, encoding="utf-8")
    (folder / "use_places.py").write_text(USE_PLACES, encoding="utf-8")
    (folder / "use_wide.py").write_text(USE_WIDE, encoding="utf-8")
    (folder / "use_300.py").write_text(USE_MANY, encoding="utf-8")
    for name, program in {"150": USE, "places": USE_PLACES, "wide": USE_WIDE}.items():
        lines = enumerate(program.splitlines(), 1)
        wrong |= {(f"use_{name}.py", at) for at, line in lines if "# wrong" in line}
    return Programs(folder, wrong, counts)


def mypy(folder: Path) -> tuple[set[Line], str]:
    """Run mypy; the framework itself is checked elsewhere, here it is a library."""
    options = ["--strict", "--config-file=", "--enable-error-code=explicit-override"]
    options += ["--follow-imports=silent", "--cache-dir", str(ROOT / ".mypy_cache")]
    said = run_mypy(*options, str(folder))
    found = re.findall(r"(\w+\.py):(\d+): error", said)
    return {(name, int(line)) for name, line in found}, said


def pyright(folder: Path) -> tuple[set[Line], str]:
    config = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    said = run_pyright(folder)
    return {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
        for one in json.loads(said)["generalDiagnostics"]
        if one["severity"] == "error" and not one.get("rule", "").startswith("reportUnused")
    }, said


@pytest.mark.slow
@pytest.mark.parametrize("check", [mypy, pyright])
def test_a_checker_refuses_what_is_wrong_and_nothing_else(check: Any, programs: Programs) -> None:
    found, said = check(programs.folder)
    unexpected, missed = sorted(found - programs.wrong), sorted(programs.wrong - found)
    assert (unexpected, missed) == ([], []), said[:4000]


def test_every_kind_of_check_is_made_and_often_enough(programs: Programs) -> None:
    assert programs.counts.keys() == LEAST.keys()
    assert {k: programs.counts[k] for k in LEAST if programs.counts[k] < LEAST[k]} == {}


def test_what_is_always_sent_has_no_default_in_the_client(programs: Programs) -> None:
    tried = 0
    for name, cases in MODULES.items():
        client = PythonClient(sys.modules[f"nasty_{name}"])
        for event_name, case in cases.items():
            prober = Prober(case)
            for value, shown in prober.sent() if case.direction != "client" else ():
                for lacking in prober.always(value, shown):
                    missing = set(shown) - set(lacking) if is_object(shown) else set[str]()
                    fields = client.arriving[event_name].model_fields
                    for attribute, field in fields.items():
                        if (field.validation_alias or attribute) in missing:
                            tried += 1
                            assert field.is_required(), (event_name, attribute)
    assert tried > 1000


@pytest.mark.parametrize(("name", "text"), [("chat:typing", "chat:posted"), (8, "7")])
def test_a_name_that_no_event_has_is_refused_with_those_that_arrive(name: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        event_class(name, vars(generated_chat.ChatClient)["_arriving"])


def test_an_event_may_be_named_or_given_by_its_class() -> None:
    known = vars(generated_chat.ChatClient)["_arriving"]
    for given in (generated_chat.Posted, "chat:posted"):
        assert event_class(given, known) is generated_chat.Posted


def test_names_are_taken_up_to_150_events_and_classes_always(programs: Programs) -> None:
    most, more = (
        sys.modules.get(name) or load(python(many(count)), name, programs.folder)
        for name, count in {"many_150": 150, "many_151": 151}.items()
    )
    assert "told:149" in vars(most.ManyClient)["_arriving"]
    assert "_arriving" not in vars(more.ManyClient)
    assert more.Told150.__event_name__ == "told:150"


def test_what_checkers_compare_grows_with_the_contract_and_not_with_its_square() -> None:
    """Overloads are compared with one another, and members of unions with every argument."""
    for rooms in ([], [room("hall", client_events=[room_event(f"ask:{at}") for at in range(500)])]):
        text = python(sealed({**many(500), "rooms": rooms}))
        # Of each class two of `on`, whose second takes the function.
        assert text.count("@_t.overload") == (4 if rooms else 2)
        assert " | Told" not in text
        assert " | Ask" not in text
        assert text.count("async def request(") == text.count("async def emit(") == 1 + len(rooms)
