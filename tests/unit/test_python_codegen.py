"""The whole module that `generate python` writes."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bytesocket_app.client.payload import plain
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import BINARY, JSON, Codec, decode
from bytesocket_cli.codegen.python import python
from tests.support import contracts, generated, nasty
from tests.support.contracts import event, minimal, model, ref, room, room_event, sealed
from tests.support.python_contracts import GENERATED, chat


def load(text: str, folder: Path) -> ModuleType:
    return generated.load(text, "generated_client", folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return load(python(nasty.document()), tmp_path_factory.mktemp("nasty"))


def test_the_checked_in_client_is_up_to_date() -> None:
    assert GENERATED.read_text(encoding="utf-8") == python(chat()), (
        "run `python -m tests.support.python_contracts`"
    )


def test_the_same_contract_gives_the_same_bytes() -> None:
    shuffled = json.loads(json.dumps(nasty.document(), sort_keys=True))
    assert python(shuffled) == python(nasty.document())


@pytest.mark.parametrize("document", [contracts.chat(), contracts.files(), minimal()])
def test_every_sample_contract_becomes_a_module(document: Any, tmp_path: Path) -> None:
    module = load(python(document), tmp_path)
    client = getattr(module, f"{document['title']}Client")
    assert client.contract.fingerprint == document["fingerprint"]
    assert client.contract.codec == ("binary" if document["title"] == "Files" else "json")


def test_a_room_and_an_event_name_the_client_after_the_title() -> None:
    text = python(sealed({**minimal(), "title": "My app", "version": "2.0"}))
    assert text.startswith("# bytesocket My app 2.0 - contract ")
    assert "class MyAppClient(_bs.Client):" in text


def test_an_event_that_differs_by_direction_has_two_classes(made: ModuleType) -> None:
    assert made.Nasty.__event_direction__ == "server"
    assert made.NastyInput.__event_direction__ == "client"
    assert made.Loose.__event_direction__ == "both"
    assert made.Nasty.__event_name__ == made.NastyInput.__event_name__ == "nasty"


def outgoing(made: ModuleType, **more: Any) -> Any:
    return made.NastyInput(
        type="t",
        str_=3,
        class_="c",
        when=datetime(2030, 1, 1, tzinfo=UTC),
        mixed=made.Mixed.TEXT,
        pet=made.CatInput(),
        sizes=made.Sizes(width=1),
        point=(1,),
        page=made.PageOfCatInput(items=[made.CatInput(lives=3)]),
        Date=made.DateInput(date=date(2030, 1, 1)),
        pair=(1, "x"),
        **more,
    )


@pytest.mark.parametrize("codec", [JSON, BINARY], ids=["json", "binary"])
def test_what_the_client_sends_the_server_reads_and_back(made: ModuleType, codec: Codec) -> None:
    sent = outgoing(made, raw=b"ok", price=Decimal("1.10"), tags={"a"}, took=made._bs.UNSET)
    decoded: Any = decode(codec.encode(plain(sent, codec)), codec.is_binary)
    assert set(decoded) == {
        *("type", "str", "class", "when", "mixed", "pet", "sizes", "point", "page", "Date"),
        *("pair", "raw", "price", "tags"),
    }
    assert decoded["pet"] == {"kind": "cat"}
    server = PayloadType(nasty.Nasty)
    read: nasty.Nasty = server.validate(decoded, codec.name)
    assert (read.price, read.raw, read.page.items) == (Decimal("1.10"), b"ok", [nasty.Cat(lives=3)])
    answer: Any = decode(server.dump(read, codec.name), codec.is_binary)
    received = PayloadType(made.Nasty).validate(answer, codec.name)
    assert received.price == Decimal("1.10")
    assert received.color is made.Color.RED
    assert received.sizes.height is made._bs.UNSET
    assert received.point == (1, "origin")
    assert received.pet == made.Cat(kind="cat", lives=9)
    assert received.raw == b"ok"


def test_a_tag_that_is_no_constant_must_be_given(made: ModuleType) -> None:
    with pytest.raises(ValueError, match="kind"):
        made.DogInput(name="x")
    assert plain(made.DogInput(name="x", kind="wolf"), JSON) == {"name": "x", "kind": "wolf"}


def test_extra_keys_are_kept_where_the_server_allows_them(made: ModuleType) -> None:
    assert plain(made.Loose(a=1, b=2), JSON) == {"a": 1, "b": 2}


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    evil = '"""\nimport os\nos.abort()\n"""\\'
    text_schema = {"type": "string", "description": evil, "default": evil}
    payload = model({}, evil, **{evil: text_schema, "const": {"const": evil, "type": "string"}})
    named = {"enum": [evil], "x-enum-names": [evil], "type": "string"}
    document = sealed(
        {
            **minimal(),
            "title": evil,
            "version": evil,
            "path": evil,
            "events": [
                event(evil, "both", ref("T"), doc=evil, reply=ref("E"), refusals=[evil]),
            ],
            "rooms": [
                room(evil.replace("{", ""), client_events=[room_event(evil, ref("E"), [evil])])
            ],
            "refusals": {evil: {"doc": evil, "data": None}},
            "types": {"T": payload, "E": named},
        }
    )
    module = load(python(document), tmp_path)
    assert module.T.__event_name__ == evil
    assert module.CONTRACT.title == evil
    assert [member.value for member in module.E] == [evil]
    assert plain(module.T(const=evil), JSON) == {"const": evil}


@pytest.mark.slow
def test_ruff_leaves_the_output_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "client.py"
    path.write_text(python(contracts.chat()), encoding="utf-8")
    for arguments in (["format", "--check"], ["check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--isolated", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0, result.stdout
