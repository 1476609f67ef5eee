"""Contract documents as the commands see them: loaded from a target or a file, and compared."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bytesocket_cli.errors import CliError


def read(path: Path) -> dict[str, Any]:
    """Read a saved contract.

    Raises:
        CliError: The file cannot be read, or is no contract of a format we know.
    """
    from bytesocket_app.contract import Contract
    from bytesocket_app.errors import ConfigurationError

    try:
        return Contract.from_json(path.read_text(encoding="utf-8")).document
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    except (ConfigurationError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: {error}") from error


def names(document: Mapping[str, Any]) -> dict[str, str]:
    """Each event's name in words, and everything the contract says about it as one string."""
    events = {str(event["name"]): json.dumps(event, sort_keys=True) for event in document["events"]}
    for room in document.get("rooms", []):
        events[f"room {room['pattern']}"] = json.dumps(room, sort_keys=True)
    return events


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Say in one line how a contract changed; None if it did not.

    Returns:
        For example `contract 1a2b3c4d -> 5e6f7a8b: + chat:typing, ~ chat:post`, where `+` is
        added, `-` removed, and `~` changed.
    """
    if old["fingerprint"] == new["fingerprint"]:
        return None
    before, after = names(old), names(new)
    marks = [f"+ {name}" for name in after if name not in before]
    marks += [f"- {name}" for name in before if name not in after]
    marks += [f"~ {name}" for name in after if before.get(name, after[name]) != after[name]]
    what = ", ".join(marks) or "~ types or title"
    return f"contract {old['fingerprint'][:8]} -> {new['fingerprint'][:8]}: {what}"


def type_name(schema: Mapping[str, Any] | None) -> str | None:
    """Name a payload's type for a table: `Post`, `string`, `Item[]`, `A | B`."""
    if schema is None:
        return None
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(type_name(one) or "any" for one in schema[key]))
    kind = str(schema.get("type", "any"))
    return f"{type_name(schema.get('items') or {})}[]" if kind == "array" else kind
