"""Changes of single values: sets of values, formats, and limits."""

from collections.abc import Iterator
from typing import Any, Final

from bytesocket_app.contract.compatibility.changes import Change, shown
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import kind, values, words
from bytesocket_app.contract.shape import Schema, compact

PLAIN: Final = frozenset({"path", "password"})
"""Formats that allow any text."""

BOUNDS: Final = (
    ("minimum", "exclusiveMinimum", 1),
    ("maximum", "exclusiveMaximum", -1),
    ("minLength", None, 1),
    ("maxLength", None, -1),
    ("minItems", None, 1),
    ("maxItems", None, -1),
    ("minProperties", None, 1),
    ("maxProperties", None, -1),
    ("x-min-bytes", None, 1),
    ("x-max-bytes", None, -1),
    ("x-max-digits", None, -1),
    ("x-decimal-places", None, -1),
)
"""Ordered limits: keyword, its exclusive form, and 1 if a greater limit is tighter, else -1."""

LIMITS: Final = frozenset(
    {word for keyword, other, _ in BOUNDS for word in (keyword, other) if word}
    | {"pattern", "multipleOf"}
)


def sets(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare two sets of values, and the names of their constants."""
    before = {compact(value): value for value in values(old)}
    after = {compact(value): value for value in values(new)}
    added = Code.ENUM_OPEN_VALUE_ADDED if old.get("x-open") else Code.ENUM_VALUE_ADDED
    for text in before.keys() - after.keys():
        yield Change(Code.ENUM_VALUE_REMOVED, path, old=shown(before[text]))
    for text in after.keys() - before.keys():
        yield Change(added, path, new=shown(after[text]))
    names, renamed = _names(old), _names(new)
    for text in sorted(names.keys() & after.keys()):
        if names[text] != renamed.get(text):
            yield Change(Code.ENUM_NAME_CHANGED, path, names[text], renamed.get(text, ""))


def openness(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Report that a set of values was opened or closed."""
    if bool(old.get("x-open")) != bool(new.get("x-open")):
        yield Change(Code.ENUM_OPENED if new.get("x-open") else Code.ENUM_CLOSED, path)


def flags(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare two sets of flags, any combination of which is a value."""
    before, after = old["x-flags"], new["x-flags"]
    for name in before.keys() - after.keys():
        yield Change(Code.FLAG_REMOVED, path, old=name)
    for name in after.keys() - before.keys():
        yield Change(Code.FLAG_ADDED, path, new=name)
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield Change(Code.TYPE_CHANGED, path, f"{name}={before[name]}", f"{name}={after[name]}")


def set_and_type(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare a set of values with a whole type, in either order."""
    closed, whole = (old, new) if kind(old) == "enum" else (new, old)
    is_wider = closed is old
    if _format(whole) is not None or not all(_is_of(kind(whole), one) for one in values(closed)):
        yield Change(Code.TYPE_CHANGED, path, words(old), words(new))
        return
    yield Change(
        Code.TYPE_WIDENED if is_wider else Code.TYPE_NARROWED, path, words(old), words(new)
    )
    if not all(_is_within(whole, value) for value in values(closed)):
        yield Change(Code.CONSTRAINT_TIGHTENED if is_wider else Code.CONSTRAINT_LOOSENED, path)


def formats(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the form of text: its format, its time zone, and its encoding of bytes."""
    before, after = _format(old), _format(new)
    if before != after:
        code = Code.FORMAT_CHANGED
        if before is None or _is_kind_of(after, before):
            code = Code.FORMAT_NARROWED
        elif after is None or _is_kind_of(before, after):
            code = Code.FORMAT_WIDENED
        yield Change(code, path, before or "text", after or "text")
    zone, other = old.get("x-timezone"), new.get("x-timezone")
    if before == after and zone != other:
        code = Code.TIMEZONE_CHANGED
        if zone is None or other is None:
            code = Code.TIMEZONE_NARROWED if zone is None else Code.TIMEZONE_WIDENED
        yield Change(code, path, zone or "any time zone", other or "any time zone")
    if (old.get("format") == "password") != (new.get("format") == "password"):
        yield Change(Code.SECRET_MASKED, path)
    if old.get("x-bytes") != new.get("x-bytes"):
        yield Change(
            Code.BYTES_ENCODING_CHANGED, path, str(old.get("x-bytes")), str(new.get("x-bytes"))
        )


def finiteness(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the support for NaN and the infinities, which are sent as text."""
    before, after = "x-inf-nan" in old, "x-inf-nan" in new
    if before != after:
        code = Code.TYPE_WIDENED if after else Code.TYPE_NARROWED
        words = {True: 'number or "NaN"', False: "number"}
        yield Change(code, path, words[before], words[after])


def limits(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare lengths, bounds, patterns and multiples."""
    for keyword, exclusive, sign in BOUNDS:
        before = _bound(old, keyword, exclusive, sign)
        after = _bound(new, keyword, exclusive, sign)
        if before != after:
            is_tighter = before is None or (after is not None and after > before)
            code = Code.CONSTRAINT_TIGHTENED if is_tighter else Code.CONSTRAINT_LOOSENED
            yield Change(
                code, path, _limit(old, keyword, exclusive), _limit(new, keyword, exclusive)
            )
    for keyword in ("pattern", "multipleOf"):
        # The text form of a decimal has a pattern that follows from its limits.
        if old.get(keyword) != new.get(keyword) and "x-type" not in old.keys() & new.keys():
            code = _unordered(keyword, old.get(keyword), new.get(keyword))
            yield Change(code, path, _limit(old, keyword, None), _limit(new, keyword, None))


def _is_within(whole: Schema, value: Any) -> bool:
    """Return True if a value is certainly within the limits of a type."""
    if whole.keys() & {"pattern", "multipleOf"}:
        return False
    measures = {"minimum": value, "maximum": value}
    if isinstance(value, str):
        measures = {"minLength": len(value), "maxLength": len(value)}
    for keyword, exclusive, sign in BOUNDS:
        bound = _bound(whole, keyword, exclusive, sign)
        if bound is not None and keyword in measures and (sign * measures[keyword], 0) < bound:
            return False
    return True


def _is_of(what: str, value: object) -> bool:
    if what == "boolean" or isinstance(value, bool):
        return what == "boolean" and isinstance(value, bool)
    if what not in {"string", "integer", "number"}:
        return False
    if what == "string":
        return isinstance(value, str)
    return isinstance(value, int) or (what == "number" and isinstance(value, float))


def _bound(
    schema: Schema, keyword: str, exclusive: str | None, sign: int
) -> tuple[float, int] | None:
    """Return a limit, signed so that greater is tighter, and 1 if it is exclusive, else 0."""
    found: list[tuple[float, int]] = []
    if _is_number(schema.get(keyword)):
        found.append((sign * schema[keyword], 0))
    if exclusive is not None and _is_number(schema.get(exclusive)):
        edge = sign * schema[exclusive]
        found.append((edge + 1, 0) if schema.get("type") == "integer" else (edge, 1))
    return max(found, default=None)


def _limit(schema: Schema, keyword: str, exclusive: str | None) -> str:
    words = [word for word in (keyword, exclusive) if word in schema]
    return ", ".join(f"{word}={shown(schema[word])}" for word in words) or "no limit"


def _unordered(keyword: str, old: Any, new: Any) -> Code:
    if old is None:
        return Code.CONSTRAINT_TIGHTENED
    if new is None:
        return Code.CONSTRAINT_LOOSENED
    if keyword == "multipleOf" and _is_number(old) and _is_number(new):
        if new % old == 0:
            return Code.CONSTRAINT_TIGHTENED
        if old % new == 0:
            return Code.CONSTRAINT_LOOSENED
    return Code.CONSTRAINT_CHANGED


def _format(schema: Schema) -> str | None:
    """Return the format of a text; None if any text is allowed."""
    if schema.get("x-type") == "decimal":
        return "decimal"
    form = schema.get("format")
    return None if form is None or form in PLAIN else str(form)


def _is_kind_of(one: str | None, other: str | None) -> bool:
    """Return True if all text of one format has the other format too: `uuid4` and `uuid`."""
    return other == "uuid" and one is not None and one.startswith("uuid")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(schema: Schema) -> dict[str, str]:
    names = schema.get("x-enum-names", ())
    return dict(zip(map(compact, values(schema)), names, strict=False))
