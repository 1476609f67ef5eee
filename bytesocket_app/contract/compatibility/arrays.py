"""Changes of lists, sets and tuples."""

import math
from collections.abc import Iterator
from typing import Any, cast

from bytesocket_app.contract.compatibility.changes import Change, Deeper
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.scalars import limits
from bytesocket_app.contract.shape import Schema


def arrays(old: Schema, new: Schema, path: str, deeper: Deeper) -> Iterator[Change]:
    """Compare two arrays, of one type of items or of one type per position."""
    is_tuple = "prefixItems" in old or "prefixItems" in new
    for place in range(max(len(_prefix(old)), len(_prefix(new)))):
        yield from _items(_item(old, place), _item(new, place), f"{path}[{place}]", deeper)
    rest, rest_now = _rest(old), _rest(new)
    if rest is not None and rest_now is not None:
        yield from deeper.items(rest, rest_now, f"{path}[]")
    yield from _lengths(old, new, path) if is_tuple else limits(old, new, path)
    if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
        yield Change(Code.LIST_TO_SET if new.get("uniqueItems") else Code.SET_TO_LIST, path)


def _items(old: Schema | None, new: Schema | None, path: str, deeper: Deeper) -> Iterator[Change]:
    """Compare the types of a position, if both arrays can have an item there."""
    if old is not None and new is not None:
        yield from deeper.compare(old, new, path)


def _lengths(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the lengths of tuples; changes between list and tuple have their own codes."""
    (least, most), (least_now, most_now) = _span(old), _span(new)
    was_tuple, is_tuple = "prefixItems" in old, "prefixItems" in new
    is_wider = least_now < least or most_now > most or was_tuple > is_tuple
    is_narrower = least_now > least or most_now < most or was_tuple < is_tuple
    code: Code | None = None
    if is_wider and is_narrower:
        code = Code.TUPLE_LENGTH_CHANGED
    elif is_narrower:
        code = Code.TUPLE_NARROWED if was_tuple else Code.ARRAY_TO_TUPLE
    elif is_wider:
        code = Code.TUPLE_WIDENED if is_tuple else Code.TUPLE_TO_ARRAY
    if code is not None:
        yield Change(code, path, _length(least, most), _length(least_now, most_now))


def _length(least: float, most: float) -> str:
    if math.isinf(most):
        return f"{least} or more items"
    return f"{least} items" if least == most else f"{least} to {most} items"


def _prefix(schema: Schema) -> list[Schema]:
    return cast("list[Schema]", schema.get("prefixItems", []))


def _item(schema: Schema, place: int) -> Schema | None:
    prefix = _prefix(schema)
    return prefix[place] if place < len(prefix) else _rest(schema)


def _rest(schema: Schema) -> Schema | None:
    """Return the type of the items after the prefix; None if no such items are allowed."""
    items: Any = schema.get("items", True)
    if items is False or _span(schema)[1] <= len(_prefix(schema)):
        return None
    return cast("Schema", items) if isinstance(items, dict) else {}


def _span(schema: Schema) -> tuple[float, float]:
    """Return the least and the greatest length."""
    open_end = len(_prefix(schema)) if schema.get("items") is False else math.inf
    return schema.get("minItems", 0), schema.get("maxItems", open_end)
