"""Changes of objects: fields, unknown keys, and mappings.

`additionalProperties` is `false` if unknown keys are refused, absent if they are ignored, `true` if
they are kept, and a schema if their values need a type.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, cast

from bytesocket_app.contract.compatibility.changes import Change, Deeper, breaks, shown
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import kind, values, words
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.scalars import limits
from bytesocket_app.contract.compatibility.static import TEXT, text_class
from bytesocket_app.contract.shape import Schema, compact

Extra: TypeAlias = Literal["refused", "ignored", "kept"] | Schema
"""Treatment of keys that are no fields."""

_KEYS: Final = {
    "narrower": Code.KEY_NARROWED,
    "wider": Code.KEY_WIDENED,
    "other": Code.KEY_CHANGED,
}
_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]*")


def objects(old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    """Compare two objects."""
    old, new = _without_pattern(old), _without_pattern(new)
    before, after = fields(old), fields(new)
    # Inner changes come later: a search for a single break finds the cheaper ones first.
    for name in [name for name in before if name not in after]:
        yield from _removed(name, old, new, _place(path, name), deeper)
    for name in [name for name in after if name not in before]:
        yield from _added(name, old, new, _place(path, name), deeper)
    for name in [name for name in before if name in after]:
        yield from _kept(name, old, new, _place(path, name), deeper)
    for name in [name for name in before if name in after]:
        yield from deeper.compare(before[name], after[name], _place(path, name))
    yield from _patterns(old, new, path, deeper)
    is_mapping = "properties" not in old and "properties" not in new
    yield from _extras(extra(old), extra(new), path, deeper, is_mapping=is_mapping)
    yield from _keys(old, new, path, deeper)
    yield from limits(old, new, path)


def keys(old: Schema, new: Schema, deeper: Deeper) -> Literal["narrower", "wider", "other"] | None:
    """Compare two types as text, which keys and room parameters are on the wire.

    Returns:
        The relation of the new type to the old one; None if both accept the same text.
    """
    old, new = _as_key(old, new), _as_key(new, old)
    if _is_text(old) or _is_text(new):
        if _is_text(old) and _is_text(new):
            return None
        return "narrower" if _is_text(old) else "wider"
    found = list(deeper.attempt(old, new, ""))
    is_narrower, is_wider = breaks(found, Way.C2S), breaks(found, Way.S2C)
    if is_narrower and is_wider:
        return "other"
    return "narrower" if is_narrower else "wider" if is_wider else None


def constants(old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    """Report constants of a key or a room's parameter that have another name, or are gone."""
    for change in [*deeper.attempt(old, new, path)]:
        is_gone = change.code is Code.ENUM_VALUE_REMOVED and deeper.way is Way.S2C
        if change.code is Code.ENUM_NAME_CHANGED or is_gone:
            yield change


def extra(schema: Schema) -> Extra:
    """Return the treatment of keys that are no fields."""
    said: Any = schema.get("additionalProperties")
    if said is False:
        return "refused"
    if isinstance(said, dict):
        return cast("Schema", said) or "kept"
    is_model = "properties" in schema or "patternProperties" in schema
    return "kept" if said is True or not is_model else "ignored"


def fields(schema: Schema) -> Mapping[str, Schema]:
    """Return the fields by their names on the wire."""
    return cast("Mapping[str, Schema]", schema.get("properties", {}))


def _kept(name: str, old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    before, after = fields(old)[name], fields(new)[name]
    is_needed, was_needed = _requires(new, name), _requires(old, name)
    if is_needed != was_needed:
        yield Change(Code.FIELD_REQUIRED if is_needed else Code.FIELD_OPTIONAL, path)
    elif not is_needed and before.get("default", ...) != after.get("default", ...):
        yield Change(Code.DEFAULT_CHANGED, path, _default(before), _default(after))
    for other in sorted({*_aliases(old).get(name, ())} - {*_aliases(new).get(name, ())}):
        if deeper.way is Way.C2S and other not in fields(new):
            yield Change(Code.FIELD_ALIAS_REMOVED, path, other)


def _removed(name: str, old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    gone = fields(old)[name]
    was = words(gone)
    removed = Code.DEPRECATED_FIELD_REMOVED if gone.get("deprecated") else Code.FIELD_REMOVED
    if deeper.way is Way.S2C:
        is_missed = _requires(old, name)
        yield Change(removed if is_missed else Code.OPTIONAL_FIELD_REMOVED, path, was)
        return
    heir = next((key for key, names in _aliases(new).items() if name in names), None)
    others = extra(new)
    if heir is not None:
        yield Change(Code.FIELD_ALIASED, path, name, heir)
        yield from deeper.compare(gone, fields(new)[heir], path)
    elif others == "refused":
        yield Change(Code.FIELD_REFUSED, path, was)
    else:
        yield Change(removed, path, was)
        if isinstance(others, dict):
            yield from deeper.compare(gone, others, path)


def _added(name: str, old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    fresh = fields(new)[name]
    now = words(fresh)
    others = extra(old)
    if deeper.way is Way.S2C:
        yield Change(Code.FIELD_ADDED, path, new=now)
        if isinstance(others, dict):
            yield from deeper.compare(others, fresh, path)
        return
    ways_to_say_it = _aliases(new).get(name, ())
    if any(other in fields(old) and _requires(old, other) for other in ways_to_say_it):
        return  # the old name is still accepted, and old clients always send it
    if _requires(new, name):
        yield Change(Code.FIELD_ADDED_REQUIRED, path, new=now)
        return
    yield Change(Code.FIELD_ADDED, path, new=now)
    if others == "kept" or (isinstance(others, dict) and not deeper.fits(others, fresh)):
        yield Change(Code.FIELD_MEETS_EXTRA, path, new=now)


def _extras(
    old: Extra, new: Extra, path: str, deeper: Deeper, *, is_mapping: bool
) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        compare = deeper.items if is_mapping else deeper.compare
        yield from compare(old, new, f"{path}.*")
        return
    if isinstance(old, dict):
        yield from deeper.gone(old, path)
    if old not in ("ignored", "refused") and new == "refused" and deeper.way is Way.S2C:
        yield Change(Code.EXTRA_IGNORED, path, _said(old), _said(new))
    elif old != new:
        code = Code.EXTRA_ALLOWED
        if new == "refused":
            code = Code.EXTRA_FORBIDDEN
        elif isinstance(new, dict):
            code = Code.EXTRA_ALLOWED if old == "refused" else Code.EXTRA_NARROWED
        elif isinstance(old, dict):
            code = Code.EXTRA_IGNORED if new == "ignored" else Code.EXTRA_WIDENED
        elif old == "kept":
            code = Code.EXTRA_IGNORED
        yield Change(code, path, _said(old), _said(new))


def _patterns(old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    before = cast("Mapping[str, Schema]", old.get("patternProperties", {}))
    after = cast("Mapping[str, Schema]", new.get("patternProperties", {}))
    for pattern in before.keys() & after.keys():
        yield from deeper.compare(before[pattern], after[pattern], f"{path}.*")
    if before.keys() != after.keys():
        yield Change(Code.KEY_CHANGED, path, ", ".join(before), ", ".join(after))


def _keys(old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    before, after = _key(old), _key(new)
    if _is_read_as_text(before) and _is_read_as_text(after):
        yield from deeper.compare(before, after, f"{path}<key>")
        return
    found = keys(before, after, deeper)
    change = None if found is None else Change(_KEYS[found], path, words(before), words(after))
    if change is not None:
        yield change
    is_broken = change is not None and change.breaks(deeper.way)
    if not is_broken and deeper.rekeyed(before, after):
        yield Change(Code.PYTHON_TYPE_CHANGED, f"{path}<key>", words(before), words(after))
    if words(before) != words(after):
        yield from deeper.gone(before, path)
    yield from constants(before, after, f"{path}<key>", deeper)


def _key(schema: Schema) -> Schema:
    """Return the type of a mapping's keys."""
    if "x-key" in schema:
        return cast("Schema", schema["x-key"])
    names: Any = schema.get("propertyNames")
    return {**_TEXT, **cast("Schema", names)} if isinstance(names, dict) else _TEXT


def _is_text(schema: Schema) -> bool:
    return schema == _TEXT


def _is_read_as_text(schema: Schema) -> bool:
    return kind(schema) == "string" and text_class(schema) == TEXT


def _as_key(schema: Schema, other: Schema) -> Schema:
    """Return a set of values as what they are as keys: texts, or numbers where the other is one."""
    if kind(schema) != "enum" or "$ref" in schema:
        return schema
    texts = [one if isinstance(one, str) else compact(one) for one in values(schema)]
    if kind(other) == "integer" and all(map(_WHOLE.fullmatch, texts)):
        return {"enum": [int(one) for one in texts]}
    if kind(other) == "boolean" and {*texts} <= {"true", "false"}:
        return {"enum": [one == "true" for one in texts]}
    return {"enum": texts}


def _without_pattern(schema: Schema) -> Schema:
    """Return a mapping whose keys have a pattern with the pattern as a limit of its key."""
    patterns = cast("Mapping[str, Schema]", schema.get("patternProperties", {}))
    if len(patterns) != 1 or "properties" in schema or "additionalProperties" in schema:
        return schema
    ((pattern, value),) = patterns.items()
    rest = {key: inner for key, inner in schema.items() if key != "patternProperties"}
    names = {**cast("Schema", schema.get("propertyNames", {})), "pattern": pattern}
    return {**rest, "additionalProperties": value, "propertyNames": names}


def _requires(schema: Schema, name: str) -> bool:
    return name in schema.get("required", ())


def _aliases(schema: Schema) -> Mapping[str, list[str]]:
    """Return the further names under which fields are accepted, by each field's own name."""
    return cast("Mapping[str, list[str]]", schema.get("x-aliases", {}))


def _default(schema: Schema) -> str:
    return shown(schema["default"]) if "default" in schema else "made by a function"


def _said(extra: Extra) -> str:
    return words(extra) if isinstance(extra, dict) else extra


def _place(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{shown(name)}]"
