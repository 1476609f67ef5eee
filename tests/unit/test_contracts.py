"""Contract documents: read from a file, compared in one line, their types named."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.contracts import changes, read, type_name
from bytesocket_cli.errors import CliError
from bytesocket_cli.generation import text
from tests.support.contracts import chat, minimal, sealed


def test_a_saved_contract_is_read(tmp_path: Path) -> None:
    path = tmp_path / "contract.json"
    path.write_text(text(chat(), "contract"))
    assert read(path) == chat()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"cannot read .*contract\.json: No such file"):
        read(tmp_path / "contract.json")


@pytest.mark.parametrize("content", [b"{}", b"not json", b"\xff\xfe"])
def test_a_file_that_is_no_contract_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contract.json"
    path.write_bytes(content)
    with pytest.raises(CliError, match=r"contract\.json"):
        read(path)


def test_the_same_contract_has_not_changed() -> None:
    assert changes(chat(), chat()) is None


def test_what_was_added_removed_and_changed_is_one_line() -> None:
    old, new = chat(), chat()
    gone = new["events"].pop()
    new["events"].append({**gone, "name": "zz:new"})
    new["events"][0]["volatile"] = True
    new["rooms"] = []
    new = sealed(new)
    line = changes(old, new)
    assert line is not None
    assert line.startswith(f"contract {old['fingerprint'][:8]} -> {new['fingerprint'][:8]}: ")
    assert "+ event zz:new" in line
    assert f"- event {gone['name']}" in line
    assert f"- room {old['rooms'][0]['pattern']}" in line
    assert line.endswith("~ event chat:post (volatile changed)")
    assert "\n" not in line


def test_a_changed_type_is_told_with_the_events_that_have_it() -> None:
    old, new = chat(), chat()
    new["types"] = deepcopy(new["types"])
    new["types"]["Post"]["properties"]["language"] = {"type": "string"}
    new["rooms"][1]["client_events"] = []
    line = changes(old, sealed(new))
    assert line is not None
    assert "~ event chat:post (language: field added" in line
    assert "~ room lobby (chat:reaction: room event removed)" in line


def test_many_changes_are_still_one_short_line() -> None:
    line = changes(chat(), sealed({**chat(), "events": [], "rooms": []}))
    assert line is not None
    assert line.endswith(", and 6 more")


def test_a_change_outside_the_events_is_said_too() -> None:
    line = changes(minimal(), sealed({**minimal(), "title": "Other"}))
    assert line is not None
    assert line.endswith(": ~ application (title changed)")
    described = chat()
    described["events"][0]["doc"] = "Something else."
    line = changes(chat(), sealed(described))
    assert line is not None
    assert line.endswith(": documentation only")


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (None, None),
        ({"$ref": "#/types/Post"}, "Post"),
        ({"type": "string"}, "string"),
        ({"type": "array", "items": {"$ref": "#/types/Item"}}, "Item[]"),
        ({"type": "array"}, "any[]"),
        ({"anyOf": [{"$ref": "#/types/A"}, {"type": "null"}]}, "A | null"),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, "string"),
        ({}, "any"),
    ],
)
def test_a_type_has_a_short_name(schema: dict[str, Any] | None, name: str | None) -> None:
    assert type_name(schema) == name
