"""Contract documents: read from a file, compared in one line, their types named."""

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
    new["events"][0]["doc"] = "Something else."
    new["rooms"] = []
    new = sealed(new)
    line = changes(old, new)
    assert line is not None
    assert line.startswith(f"contract {old['fingerprint'][:8]} -> {new['fingerprint'][:8]}: ")
    assert "+ zz:new" in line
    assert f"- {gone['name']}" in line
    assert f"~ {new['events'][0]['name']}" in line
    assert f"- room {old['rooms'][0]['pattern']}" in line
    assert "\n" not in line


def test_a_change_outside_the_events_is_said_too() -> None:
    line = changes(minimal(), sealed({**minimal(), "title": "Other"}))
    assert line is not None
    assert line.endswith(": ~ types or title")


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
