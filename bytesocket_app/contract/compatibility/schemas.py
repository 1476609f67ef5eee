"""Comparison of two schemas by structure, not by names."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Final

from bytesocket_app.contract.compatibility.arrays import arrays
from bytesocket_app.contract.compatibility.changes import Change, Deeper, breaks, shown
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import UNRESTRICTING, Types, kind, words
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.objects import objects
from bytesocket_app.contract.compatibility.orders import order
from bytesocket_app.contract.compatibility.scalars import (
    LIMITS,
    NUMBERS,
    closedness,
    finiteness,
    flags,
    formats,
    limits,
    numbers,
    openness,
    set_and_type,
    sets,
)
from bytesocket_app.contract.compatibility.static import is_reshaped, is_retyped, python_type
from bytesocket_app.contract.compatibility.unions import Unions
from bytesocket_app.contract.shape import Schema, compact, references

_JUDGED: Final = (
    LIMITS
    | UNRESTRICTING
    | {"type", "format", "contentSchema", "allOf", "anyOf", "oneOf", "discriminator"}
    | {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}
    | {"items", "prefixItems", "uniqueItems", "const", "enum"}
    | {"x-aliases", "x-bytes", "x-enum-names", "x-flags", "x-inf-nan", "x-key", "x-open"}
    | {"x-strict", "x-timezone", "x-type", "x-closed", "x-first-match"}
)
"""Keywords that are compared; a change of any other is reported as KEYWORD_CHANGED."""

_LIMITING: Final = frozenset(
    {
        *(Code.CONSTRAINT_TIGHTENED, Code.CONSTRAINT_CHANGED, Code.EXTRA_FORBIDDEN),
        *(Code.EXTRA_NARROWED, Code.TIMEZONE_NARROWED, Code.TIMEZONE_CHANGED),
    }
)
"""Breaks that no type checker sees."""

_SCALARS: Final = ("string", "integer", "number", "boolean", "null")


class Comparison:
    """Compares schemas of two documents, for one direction.

    A pair of named types is compared once and counts as equal afterwards. So recursive types end,
    and a change of a type is reported at its first use only.

    Args:
        old: The types of the old document.
        new: The types of the new one.
        way: Sender of the data.
        is_marked: True if both documents mark closed flags and left-to-right unions, which those
            of version 0.1 do not.
    """

    def __init__(
        self,
        old: Mapping[str, Schema],
        new: Mapping[str, Schema],
        way: Way,
        *,
        is_marked: bool = True,
    ) -> None:
        self._old = Types(old)
        self._new = Types(new)
        self._way = way
        self._is_marked = is_marked
        self._visited: dict[tuple[str, str], None] = {}
        self._unfit: set[tuple[str, str]] = set()
        self._deeper = Deeper(
            way,
            self.compare,
            self._attempt,
            self._unless,
            self._fits,
            self._gone,
            self._is_retyped,
            self._is_rekeyed,
            self._items,
        )
        self._unions = Unions(self._old, self._new, self._deeper)

    @property
    def deeper(self) -> Deeper:
        """Functions of this comparison, for comparing parts that contain schemas."""
        return self._deeper

    def compare(self, old: Schema, new: Schema, path: str = "$") -> Generator[Change]:
        """Yield the changes from one schema to another."""
        if old == new and _is_scalar(old):
            return
        (name, _), (name_now, _) = self._old.resolved(old), self._new.resolved(new)
        if name is not None and name_now is not None:
            # Includes the keywords beside a reference: a union may require its members' tag there.
            pair = compact(old), compact(new)
            if pair in self._visited:
                return
            self._visited[pair] = None
            if name != name_now:
                yield Change(Code.TYPE_RENAMED, path, name, name_now)
        is_told = False
        for change in self._inside(old, new, path):
            is_told = is_told or (change.path == path and change.is_noticed(self._way))
            yield change
        if not is_told and self._is_retyped(old, new):
            yield self._retyped(old, new, path)

    def _inside(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Compare two schemas whose names were compared."""
        (_, before), (_, after) = self._old.resolved(old), self._new.resolved(new)
        yield from _marks(before, after, path)
        olds, news = self._old.members(old), self._new.members(new)
        yield from self._joined(old, path)
        if len(olds) == len(news) == 1:
            yield from self._single(olds[0], news[0], path)
            return
        tag, tag_now = _tag(before), _tag(after)
        if tag and tag_now and tag != tag_now:
            yield Change(Code.DISCRIMINATOR_CHANGED, path, tag, tag_now)
            return
        if not (tag or tag_now):
            yield from order(self._old, before, self._new, after, path, is_marked=self._is_marked)
        yield from self._union(olds, news, tag or tag_now, path)

    def _joined(self, old: Schema, path: str) -> Iterator[Change]:
        """Report the names of sets that are gone: the sets of a union are compared as one."""
        leaves = self._old.leaves(old)
        sets = [one for one in leaves if kind(self._old.resolved(one)[1]) == "enum"]
        for member in sets if len(sets) > 1 else ():
            yield from self._gone(member, path)

    def _union(
        self, olds: list[Schema], news: list[Schema], tag: str | None, path: str
    ) -> Iterator[Change]:
        was_any, is_any = _takes_anything(self._old, olds), _takes_anything(self._new, news)
        if was_any or is_any:
            code = Code.TYPE_WIDENED if is_any else Code.TYPE_NARROWED
            yield Change(code, path, _listed(self._old, olds), _listed(self._new, news))
            for member in olds:
                yield from self._gone(member, path)
            return
        null: Schema = {"type": "null"}
        if (null in olds) != (null in news):
            yield Change(Code.NULL_ADDED if null in news else Code.NULL_REMOVED, path)
        olds = [member for member in olds if member != null]
        news = [member for member in news if member != null]
        if len(olds) == len(news) == 1:
            yield from self.compare(olds[0], news[0], path)
        else:
            yield from self._unions.compare(olds, news, tag, path)

    def _items(self, old: Schema, new: Schema, path: str) -> Generator[Change]:
        """Compare the items of two lists, or of two mappings."""
        is_told = False
        for change in self.compare(old, new, path):
            is_told = is_told or (change.path == path and change.is_noticed(self._way))
            yield change
        if not is_told and is_reshaped(self._old, old, self._new, new):
            yield self._retyped(old, new, path)

    def _retyped(self, old: Schema, new: Schema, path: str) -> Change:
        said = _listed(self._old, self._old.leaves(old)), _listed(self._new, self._new.leaves(new))
        if said[0] == said[1]:
            said = python_type(self._old, old), python_type(self._new, new)
        return Change(Code.PYTHON_TYPE_CHANGED, path, *said)

    def _attempt(self, old: Schema, new: Schema, path: str) -> Generator[Change]:
        """Compare without marking pairs as visited."""
        known = len(self._visited)
        try:
            yield from self.compare(old, new, path)
        finally:
            self._forget(known)

    def _forget(self, known: int) -> None:
        """Take back the marks that came after the first ones."""
        while len(self._visited) > known:
            self._visited.popitem()

    def _is_retyped(self, old: Schema, new: Schema) -> bool:
        return is_retyped(self._old, old, self._new, new, self._way)

    def _is_rekeyed(self, old: Schema, new: Schema) -> bool:
        if is_reshaped(self._old, old, self._new, new):
            return True
        ways = (Way.C2S,) if self._way is Way.C2S else (Way.C2S, Way.S2C)
        return any(is_retyped(self._old, old, self._new, new, way) for way in ways)

    def _gone(self, old: Schema, path: str) -> Iterator[Change]:
        """Report the types of a schema that no client has any more."""
        for name in dict.fromkeys(references(old)):
            if name not in self._new.named:
                yield Change(Code.TYPE_GONE, path, name)

    def _fits(self, old: Schema, new: Schema) -> bool:
        """Return False at the first break. A break is remembered for the pair."""
        pair = compact(old), compact(new)
        if pair not in self._unfit:
            with closing(self._attempt(old, new, "")) as found:
                if breaks(found, self._way):
                    self._unfit.add(pair)
                    return False
        return pair not in self._unfit

    def _unless(
        self, old: Schema, new: Schema, path: str, is_excused: Callable[[], bool]
    ) -> Iterator[Change]:
        """Compare; if a break is excused, yield nothing and mark no pair as visited."""
        known = len(self._visited)
        found = list(self.compare(old, new, path))
        if breaks(found, self._way):
            marks = [*islice(self._visited, known, None)]
            self._forget(known)
            if is_excused():
                if self._is_reformed(old, found):
                    yield self._retyped(old, new, path)
                return
            self._visited.update(dict.fromkeys(marks))
        yield from found

    def _is_reformed(self, old: Schema, found: list[Change]) -> bool:
        """Return True if a model's fields, which code names, are others now."""
        name, before = self._old.resolved(old)
        is_model = name is not None and kind(before) == "object"
        broken = {change.code for change in found if change.breaks(self._way)}
        return is_model and not broken <= _LIMITING

    def _single(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Compare two schemas that are no unions."""
        name, before = self._old.resolved(old)
        name_now, after = self._new.resolved(new)
        pair = kind(before), kind(after)
        match pair:
            case ("any", "any") | ("null", "null") | ("boolean", "boolean"):
                pass
            case (one, other) if one in NUMBERS and other in NUMBERS and one != other:
                yield from numbers(before, after, path)
            case ("any", _):
                yield Change(Code.TYPE_NARROWED, path, "anything", words(after, name_now))
            case (_, "any"):
                yield Change(Code.TYPE_WIDENED, path, words(before, name), "anything")
            case ("enum", _) | (_, "enum") if pair != ("enum", "enum"):
                yield from set_and_type(before, after, path)
            case (one, other) if one != other:
                yield Change(Code.TYPE_CHANGED, path, words(before, name), words(after, name_now))
            case (same, _):
                yield from self._alike(same, before, after, path)
        if pair[1] == "any" != pair[0] or (name is not None and name_now is None):
            yield from self._gone(old, path)
        yield from self._rest(before, after, path)

    def _alike(self, what: str, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Compare two schemas of one kind."""
        match what:
            case "object":
                yield from objects(old, new, path, self._deeper)
            case "array":
                yield from arrays(old, new, path, self._deeper)
            case "enum":
                yield from sets(old, new, path)
                yield from openness(old, new, path)
            case "flags":
                yield from flags(old, new, path)
                if self._is_marked:
                    yield from closedness(old, new, path)
            case "string" | "bytes":
                yield from formats(old, new, path)
                yield from limits(old, new, path)
                yield from self._content(old, new, path)
            case _:
                yield from limits(old, new, path)
                yield from finiteness(old, new, path)

    def _content(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Compare the schemas of JSON inside text."""
        before, after = old.get("contentSchema"), new.get("contentSchema")
        if before is not None and after is not None:
            yield from self.compare(before, after, f"{path}<json>")
        elif before is not after:
            # Clients read the text only.
            code = Code.CONSTRAINT_TIGHTENED if before is None else Code.CONSTRAINT_LOOSENED
            called = {True: "JSON", False: "text"}
            yield Change(code, path, called[before is not None], called[after is not None])

    def _rest(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Report changes of `allOf`, and of keywords that nothing else compares."""
        parts, parts_now = old.get("allOf", []), new.get("allOf", [])
        if len(parts) == len(parts_now):
            for part, part_now in zip(parts, parts_now, strict=True):
                yield from self.compare(part, part_now, path)
        else:
            yield Change(Code.KEYWORD_CHANGED, path, f"allOf of {len(parts)}", str(len(parts_now)))
        for keyword in sorted((old.keys() | new.keys()) - _JUDGED):
            if old.get(keyword) != new.get(keyword):
                before, after = shown(old.get(keyword)), shown(new.get(keyword))
                yield Change(Code.KEYWORD_CHANGED, path, f"{keyword}: {before}", after)


def _is_scalar(schema: Schema) -> bool:
    """Return True for a schema that refers to no other, and has none inside."""
    return schema.get("type") in _SCALARS and not schema.keys() & {"$ref", "contentSchema"}


def _marks(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the marks of a type that do not restrict its values."""
    if new.get("deprecated") and not old.get("deprecated"):
        yield Change(Code.DEPRECATED, path)
    if bool(old.get("x-strict")) != bool(new.get("x-strict")):
        yield Change(Code.STRICT_ON if new.get("x-strict") else Code.STRICT_OFF, path)


def _listed(types: Types, members: list[Schema]) -> str:
    resolved = [types.resolved(member) for member in members]
    return " | ".join(words(found, name) for name, found in resolved)


def _takes_anything(types: Types, members: list[Schema]) -> bool:
    return any(kind(types.resolved(member)[1]) == "any" for member in members)


def _tag(union: Schema) -> str | None:
    name = union.get("discriminator", {}).get("propertyName")
    return name if isinstance(name, str) else None
