"""Contract documents for the commands: saved ones read, and two compared in one line."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Final

from bytesocket_cli.errors import CliError
from bytesocket_cli.project import find

_TOLD: Final = 6
"""Maximum number of changes named in one line."""


def saved(target: str | None, start: Path) -> Path | None:
    """Find the saved contract that a TARGET names.

    Args:
        target: The argument as given; None for the project's `app`.
        start: The folder that the command runs in.

    Returns:
        Path of the file, which need not exist; None if TARGET names an application.
    """
    if target is not None:
        return Path(target) if target.endswith(".json") else None
    project = find(start)
    is_file = project.app is not None and project.app.endswith(".json")
    return project.directory / str(project.app) if is_file else None


def read(path: Path) -> dict[str, Any]:
    """Read a saved contract.

    Raises:
        CliError: The file cannot be read, or is no contract of a known format.
    """
    from bytesocket_app.contract import Contract
    from bytesocket_app.errors import ConfigurationError

    try:
        return Contract.from_json(path.read_text(encoding="utf-8-sig")).document
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    except (ConfigurationError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: {error}") from error


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Describe in one line how a contract changed; None if it did not.

    Returns:
        Text such as `contract 1a2b3c4d -> 5e6f7a8b: + event chat:typing, ~ event chat:post (text:
        field removed)`, where `+` is added, `-` removed, and `~` changed. A change that clients
        cannot notice leaves the fingerprint as it was, which is then said once.
    """
    if old == new:
        return None
    before, after = _names(old), _names(new)
    marks = [f"+ {name}" for name in after if name not in before]
    marks += [f"- {name}" for name in before if name not in after]
    changed = _changed(old, new, told=set(before) ^ set(after))
    marks += [f"~ {name} ({', '.join(details)})" for name, details in changed.items()]
    line = ", ".join(marks[:_TOLD]) or "documentation only"
    more = f", and {len(marks) - _TOLD} more" if len(marks) > _TOLD else ""
    prints = dict.fromkeys((old["fingerprint"][:8], new["fingerprint"][:8]))
    return f"contract {' -> '.join(prints)}: {line}{more}"


def _changed(
    old: Mapping[str, Any], new: Mapping[str, Any], *, told: Container[str]
) -> dict[str, dict[str, None]]:
    """Describe the changes of each event and room that both contracts have, in a few words."""
    from bytesocket_app.contract.compatibility import compare

    changed: dict[str, dict[str, None]] = {}
    for finding in compare(old, new):
        place, path = finding.place, finding.path.removeprefix("$").lstrip(".")
        event = "" if place.event is None else f"event {place.event}"
        room = "" if place.room is None else f"room {place.room}"
        if event in told or room in told:
            continue
        what = str(finding.code).replace("_", " ").lower()
        inside = str(place.event) if event and room else ""
        words = ": ".join(filter(None, (inside, path, what)))
        changed.setdefault(room or event or "application", {})[words] = None
    return changed


def _names(document: Mapping[str, Any]) -> list[str]:
    events = [f"event {event['name']}" for event in document["events"]]
    return events + [f"room {room['pattern']}" for room in document["rooms"]]


def type_name(schema: Mapping[str, Any] | None) -> str | None:
    """Return a payload's type as shown in a table: `Post`, `string`, `Item[]`, `A | B`."""
    if schema is None:
        return None
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(type_name(one) or "any" for one in schema[key]))
    kind = str(schema.get("type", "any"))
    return f"{type_name(schema.get('items') or {})}[]" if kind == "array" else kind
