"""Changes of single values: sets of values, formats, and limits."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from bytesocket_app.contract.compatibility.changes import Change, shown
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import kind, values, words
from bytesocket_app.contract.compatibility.static import TEXT, text_class
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

NUMBERS: Final = frozenset({"integer", "number", "flags"})
"""Kinds of numbers."""

_FROM_NOTHING: Final = frozenset({"minLength", "minItems", "minProperties", "x-min-bytes"})
"""Limits that 0 makes no limits."""

_ANYTHING: Final = frozenset(
    {r"[\s\S]*", r"[\S\s]*", r"[\d\D]*", r"[\D\d]*", r"[\w\W]*", r"[\W\w]*", "(?s).*", "(?s:.*)"}
)
"""Patterns that match the whole of any text."""

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
    """Compare two sets of flags, any combination of which is a value.

    An `IntFlag` takes any number; a plain `Flag` is marked `x-closed` and takes its own bits only.
    """
    before, after = _flag_names(old), _flag_names(new)
    moved = {name: number for number, names in after.items() for name in names}
    for number, names in sorted(before.items()):
        lost = [name for name in names if name not in after.get(number, ())]
        for name in lost:
            if name in moved:
                yield Change(
                    Code.FLAG_RENUMBERED, path, f"{name}={number}", f"{name}={moved[name]}"
                )
            elif number in after:
                yield Change(Code.FLAG_RENAMED, path, name, " | ".join(sorted(after[number])))
        if number not in after and _is_refused(number, new):
            yield Change(Code.FLAG_REFUSED, path, old=" | ".join(names))
        elif number not in after and not set(names) & moved.keys():
            yield Change(Code.FLAG_REMOVED, path, old=" | ".join(names))
    known = {name for names in before.values() for name in names}
    for number, names in sorted(after.items()):
        if number not in before and not set(names) & known:
            yield Change(Code.FLAG_ADDED, path, new=" | ".join(names))


def closedness(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Report that a set of flags takes any number now, or its own flags only."""
    was_closed, is_closed = bool(old.get("x-closed")), bool(new.get("x-closed"))
    if was_closed != is_closed:
        code = Code.CONSTRAINT_TIGHTENED if is_closed else Code.CONSTRAINT_LOOSENED
        called = {True: "its own flags only", False: "any number"}
        yield Change(code, path, called[was_closed], called[is_closed])


def _flag_names(schema: Schema) -> dict[int, list[str]]:
    """Return the names of each number: aliases are names, too."""
    found: dict[int, list[str]] = {}
    for name, number in schema["x-flags"].items():
        found.setdefault(number, []).append(name)
    return found


def _is_refused(number: int, flags: Schema) -> bool:
    mask = 0
    for bits in flags["x-flags"].values():
        mask |= bits
    return bool(flags.get("x-closed")) and number & ~mask != 0


def numbers(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare two kinds of numbers: whole ones, sets of flags, and any."""
    before, after = kind(old), kind(new)
    code = Code.TYPE_WIDENED if after == "number" else Code.TYPE_NARROWED
    if (before, after) == ("flags", "integer"):
        code = Code.FLAGS_TO_NUMBER
    elif (before, after) == ("integer", "flags") and not new.get("x-closed"):
        code = Code.NUMBER_TO_FLAGS
    yield Change(code, path, before, after)
    yield from limits(old, new, path)


def set_and_type(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare a set of values with a whole type, in either order."""
    closed, whole = (old, new) if kind(old) == "enum" else (new, old)
    if kind(whole) == "boolean" and {*map(compact, values(closed))} == {"true", "false"}:
        return
    is_wider = closed is old
    is_read = kind(whole) == "string" and text_class(whole) != TEXT
    if is_read or not all(_is_of(kind(whole), one) for one in values(closed)):
        yield Change(Code.TYPE_CHANGED, path, words(old), words(new))
        return
    code = Code.TYPE_WIDENED if is_wider else Code.TYPE_NARROWED
    if is_wider and closed.get("x-open"):
        code = Code.ENUM_UNLISTED
    yield Change(code, path, words(old), words(new))
    if is_wider and kind(whole) == "flags":
        # The name stays, and in Python it has no members any more.
        yield Change(Code.PYTHON_TYPE_CHANGED, path, words(old), words(new))
    if not all(_is_within(whole, value) for value in values(closed)):
        yield Change(Code.CONSTRAINT_TIGHTENED if is_wider else Code.CONSTRAINT_LOOSENED, path)


def formats(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the form of text: its format, its time zone, and its encoding of bytes."""
    before, after = _format(old), _format(new)
    if before != after:
        yield Change(_format_code(old, new), path, before or "text", after or "text")
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


def _format_code(old: Schema, new: Schema) -> Code:
    """Return the code for two formats; one that clients do not read is a limit of text for them."""
    before, after = _format(old), _format(new)
    is_narrower = before is None or _is_kind_of(new, old)
    is_wider = after is None or _is_kind_of(old, new)
    if text_class(old) == text_class(new):
        if is_narrower or is_wider:
            return Code.CONSTRAINT_TIGHTENED if is_narrower else Code.CONSTRAINT_LOOSENED
        return Code.CONSTRAINT_CHANGED
    if is_narrower or text_class(old) == TEXT:
        return Code.FORMAT_NARROWED
    return Code.FORMAT_WIDENED if is_wider else Code.FORMAT_CHANGED


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
        before, after = _telling(keyword, old), _telling(keyword, new)
        if before != after and "x-type" not in old.keys() & new.keys():
            code = _unordered(keyword, before, after)
            yield Change(code, path, _limit(old, keyword, None), _limit(new, keyword, None))


def _telling(keyword: str, schema: Schema) -> Any:
    """Return the value of `pattern` or `multipleOf`; None if all values of the type meet it."""
    value = schema.get(keyword)
    if keyword == "pattern":
        return None if isinstance(value, str) and _meets_all(value) else value
    if not isinstance(value, int | float) or schema.get("type") != "integer":
        return value
    return None if Fraction(1) % _exact(value) == 0 else value


def _meets_all(pattern: str) -> bool:
    """Return True if a pattern, which is searched for, is certainly found in any text."""
    begins, ends = pattern.startswith("^"), pattern.endswith("$")
    inner = pattern.removeprefix("^").removesuffix("$")
    if inner in _ANYTHING:
        return True
    # With one assertion an empty match is found at that end of any text, without one anywhere.
    if begins and ends:
        return False
    if set(inner) & set("^$\\") or "(?" in inner:
        return False
    try:
        return re.match(inner, "") is not None
    except re.error:
        return False


def _is_within(whole: Schema, value: Any) -> bool:
    """Return True if a value is certainly within the limits of a type."""
    if _format(whole) is not None or ("x-flags" in whole and _is_refused(value, whole)):
        return False
    pattern, step = _telling("pattern", whole), _telling("multipleOf", whole)
    if pattern is not None and not _is_found(pattern, value):
        return False
    if step is not None and not (_is_number(value) and _exact(value) % _exact(step) == 0):
        return False
    measures = {"minimum": value, "maximum": value}
    if isinstance(value, str):
        measures = {"minLength": len(value), "maxLength": len(value)}
    for keyword, exclusive, sign in BOUNDS:
        bound = _bound(whole, keyword, exclusive, sign)
        if bound is not None and keyword in measures and (sign * measures[keyword], 0) < bound:
            return False
    return True


def _is_found(pattern: object, value: object) -> bool:
    try:
        return re.search(str(pattern), str(value)) is not None
    except re.error:
        return False


def _exact(number: float) -> Fraction:
    """Return a number as it is written: 0.1 is a tenth."""
    return Fraction(str(number))


def _is_of(what: str, value: object) -> bool:
    if what == "boolean" or isinstance(value, bool):
        return what == "boolean" and isinstance(value, bool)
    if what not in {"string", "integer", "flags", "number"}:
        return False
    if what == "string":
        return isinstance(value, str)
    return isinstance(value, int) or (what == "number" and isinstance(value, float))


def _bound(
    schema: Schema, keyword: str, exclusive: str | None, sign: int
) -> tuple[float, int] | None:
    """Return a limit, signed so that greater is tighter, and 1 if it is exclusive, else 0."""
    found: list[tuple[float, int]] = []
    if keyword in _FROM_NOTHING and schema.get(keyword) == 0:
        return None  # as any length is
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
        if _exact(new) % _exact(old) == 0:
            return Code.CONSTRAINT_TIGHTENED
        if _exact(old) % _exact(new) == 0:
            return Code.CONSTRAINT_LOOSENED
    return Code.CONSTRAINT_CHANGED


def _format(schema: Schema) -> str | None:
    """Return the format of a text; None if any text is allowed."""
    if schema.get("x-type") == "decimal":
        return "decimal"
    form = schema.get("format")
    return None if form is None or form in PLAIN else str(form)


def _is_kind_of(one: Schema, other: Schema) -> bool:
    """Return True if all text of one format has the other too: `uuid4` and `uuid`, for instance."""
    form, wider = _format(one), _format(other)
    if wider == "date-time":
        return form == "date" and other.get("x-timezone") != "aware"
    return wider == "uuid" and form is not None and form.startswith("uuid")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(schema: Schema) -> dict[str, str]:
    names = schema.get("x-enum-names", ())
    return dict(zip(map(compact, values(schema)), names, strict=False))
