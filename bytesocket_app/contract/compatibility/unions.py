"""Changes of unions, whose members are matched by name, by tag, by content and by similarity."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, cast

from bytesocket_app.contract.compatibility.changes import Change, Deeper, shown
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import Types, kind, values, words
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.shape import Schema, compact, mapped

_ALIKE: Final = {"integer": "number", "flags": "number"}
_WHOLE: Final = frozenset({"array", "object", "enum", "flags"})
"""Kinds of which two members count as one that changed, even if all of it changed."""

_HOLDERS: Final = frozenset({"array", "object"})

_FEW: Final = 12
"""Members that are compared each with each."""

_LIKES: Final = 3
"""Members with which each of more is compared: those with the most fields in common."""

_PLAIN: Final = re.compile(r"[\w.:-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One member of a union, with what is asked of it again and again.

    Attributes:
        schema: The schema, which may be a reference.
        name: Name of its type; None without one.
        found: The schema with references followed.
        kind: Kind of `found`.
        text: `schema` as text.
        fields: Names of an object's fields, or of those of a list's items.
        required: Names of those that must be there.
        is_aliased: True if some may come under another name.
        values: Values of the fields that have few, a tag for instance, by the fields' names.
        content: `found` as text.
    """

    schema: Schema
    name: str | None
    found: Schema
    kind: str
    text: str
    fields: frozenset[str]
    required: frozenset[str]
    is_aliased: bool
    values: Mapping[str, frozenset[str]]
    content: str


Pair: TypeAlias = tuple[Member, Member]


class Unions:
    """Compares unions of two documents.

    Args:
        old: The types of the old document.
        new: The types of the new one.
        deeper: Functions that compare members.
    """

    def __init__(self, old: Types, new: Types, deeper: Deeper) -> None:
        self._old = old
        self._new = new
        self._deeper = deeper
        # Used only for a ranking, so pairs that count as equal, being visited, do no harm.
        self._costs: dict[tuple[str, str], tuple[int, int] | None] = {}
        self._unfit: set[tuple[str, str]] = set()

    def compare(
        self, old: list[Schema], new: list[Schema], tag: str | None, path: str
    ) -> Iterator[Change]:
        """Compare the members of two unions.

        Args:
            old: The old members, none of them a union.
            new: The new members.
            tag: The field that tells the objects of both unions apart; None without one.
            path: Path of the unions.
        """
        olds, news = _members(old, self._old), _members(new, self._new)
        pairs, lost, fresh = self._pairs(olds, news, tag)
        labels = self._labels(self._new, news, tag)
        for before, after in pairs:
            covered = partial(self._is_covered, before, after, olds, news)
            at = f"{path}<{labels[id(after)]}>"
            yield from self._deeper.unless(before.schema, after.schema, at, covered)
        for member in lost:
            if any(self._fits(member, other) for other in news):
                yield from self._deeper.gone(member.schema, path)
                if self._deeper.way is Way.C2S:
                    yield from self._other_class(member, path)
            else:
                said = self._words(self._old, member, tag)
                yield Change(Code.MEMBER_REMOVED, path, old=said)
        for member in fresh:
            if not any(self._fits(other, member) for other in olds):
                yield Change(Code.MEMBER_ADDED, path, new=self._words(self._new, member, tag))
            elif self._deeper.way is Way.S2C:
                yield from self._other_class(member, path)

    def _other_class(self, member: Member, path: str) -> Iterator[Change]:
        """Report a model whose data fits another model, which is another class in Python."""
        if member.kind == "object" and member.name is not None:
            yield Change(Code.PYTHON_TYPE_CHANGED, path, member.name)

    def _pairs(
        self, olds: list[Member], news: list[Member], tag: str | None
    ) -> tuple[list[Pair], list[Member], list[Member]]:
        """Match members; returns the pairs, the old ones without a partner, and the new ones."""
        pairs, lost, fresh = _split(olds, news, _by_name, _by_name)
        if tag is not None:
            more, lost, fresh = _split(
                lost, fresh, partial(_by_tag, self._old, tag), partial(_by_tag, self._new, tag)
            )
            pairs += more
        more, lost, fresh = _split(lost, fresh, _by_content, _by_content)
        pairs += more
        more, lost, fresh = self._same_outside(lost, fresh)
        pairs += more
        more, lost, fresh = self._alike(lost, fresh)
        return [*pairs, *more], lost, fresh

    def _fits(self, one: Member, other: Member) -> bool:
        if one.kind == other.kind and one.kind in _HOLDERS and self._lacks(one, other):
            return False
        pair = one.content, other.content
        if pair not in self._unfit and not self._deeper.fits(one.schema, other.schema):
            self._unfit.add(pair)
        return pair not in self._unfit

    def _lacks(self, one: Member, other: Member) -> bool:
        """Return True if a field is missing that a reader of objects needs, or has other values."""
        both = one.values.keys() & other.values.keys()
        if any(one.values[name].isdisjoint(other.values[name]) for name in both):
            return True
        if self._deeper.way is Way.C2S:
            return not other.is_aliased and not other.required <= one.fields
        return not one.required <= other.fields

    def _is_covered(
        self, before: Member, after: Member, old: list[Member], new: list[Member]
    ) -> bool:
        """Return True if another member accepts what a pair breaks: a new literal beside `str`."""
        if self._deeper.way is Way.C2S:
            return any(self._fits(before, other) for other in new if other is not after)
        return any(self._fits(other, after) for other in old if other is not before)

    def _same_outside(
        self, old: list[Member], new: list[Member]
    ) -> tuple[list[Pair], list[Member], list[Member]]:
        """Pair renamed members that are the same but for the names of types inside."""
        pairs, lost, fresh = _split(
            old, new, partial(_by_outside, self._old), partial(_by_outside, self._new)
        )
        same = [(one, other) for one, other in pairs if self._cost_of(one, other) == (0, 1)]
        unlike = [pair for pair in pairs if pair not in same]
        return same, [*lost, *(one for one, _ in unlike)], [*fresh, *(one for _, one in unlike)]

    def _alike(
        self, old: list[Member], new: list[Member]
    ) -> tuple[list[Pair], list[Member], list[Member]]:
        """Pair the most similar members first; two scalars only if one can replace the other."""
        ranked: list[tuple[int, int, int, int]] = []
        for i, j in _candidates(old, new):
            cost = self._cost_of(old[i], new[j])
            if cost is not None:
                ranked.append((*cost, i, j))
        olds, news = dict[int, int](), dict[int, int]()
        for _, _, i, j in sorted(ranked):
            if i not in olds and j not in news:
                olds[i], news[j] = j, i
        return (
            [(old[i], new[j]) for i, j in olds.items()],
            [one for i, one in enumerate(old) if i not in olds],
            [one for j, one in enumerate(new) if j not in news],
        )

    def _cost_of(self, one: Member, other: Member) -> tuple[int, int] | None:
        pair = one.text, other.text
        if pair not in self._costs:
            self._costs[pair] = self._cost(one, other)
        return self._costs[pair]

    def _cost(self, one: Member, other: Member) -> tuple[int, int] | None:
        """Return the number of breaks and of changes of two members; None if they are no pair."""
        if _ALIKE.get(one.kind, one.kind) != _ALIKE.get(other.kind, other.kind):
            return None
        found = list(self._deeper.attempt(one.schema, other.schema, ""))
        broken = sum(change.breaks(self._deeper.way) for change in found)
        if one.kind not in _WHOLE and any(
            change.breaks(Way.C2S) and change.breaks(Way.S2C) for change in found
        ):
            return None
        return broken, len(found)

    def _labels(self, types: Types, members: Sequence[Member], tag: str | None) -> dict[int, str]:
        """Return a short name of each member for paths, of which no two are equal."""
        found = [_label(self._words(types, member, tag)) for member in members]
        seen, count = Counter[str](), Counter(found)
        labels: dict[int, str] = {}
        for member, label in zip(members, found, strict=True):
            seen[label] += 1
            labels[id(member)] = label if count[label] == 1 else f"{label}#{seen[label]}"
        return labels

    def _words(self, types: Types, member: Member, tag: str | None) -> str:
        tags = _tags(types, member, tag) if tag else None
        if tags:
            return f"{tag}={' | '.join(sorted(tags))}"
        if member.kind == "array" and "prefixItems" not in member.found:
            items = types.leaves(member.found.get("items", {}))
            return f"array of {' | '.join(words(one) for one in items)}"
        return words(member.found, member.name)


def _label(text: str) -> str:
    """Return words without what would end a label early."""
    plain = text.replace('"', "")
    return plain if _PLAIN.fullmatch(plain.replace("=", "").replace(" ", "")) else shown(text)


def _members(schemas: Iterable[Schema], types: Types) -> list[Member]:
    made: list[Member] = []
    for schema in schemas:
        name, found = types.resolved(schema)
        holder, items = found, found.get("items")
        if "properties" not in found and isinstance(items, dict):
            _, holder = types.resolved(cast("Schema", items))
        fields = frozenset(cast("Iterable[str]", holder.get("properties", ())))
        required = frozenset(cast("Iterable[str]", holder.get("required", ())))
        is_aliased = "x-aliases" in holder
        made.append(
            Member(
                schema,
                name,
                found,
                kind(found),
                compact(schema),
                fields,
                required,
                is_aliased,
                _valued(holder, types),
                compact(found),
            )
        )
    return made


def _valued(holder: Schema, types: Types) -> dict[str, frozenset[str]]:
    """Return the values of the fields that are closed sets of values."""
    fields = cast("Mapping[str, Schema]", holder.get("properties", {}))
    found = {name: types.resolved(field)[1] for name, field in fields.items()}
    return {
        name: frozenset(map(compact, values(field)))
        for name, field in found.items()
        if values(field) and not field.get("x-open")
    }


def _tags(types: Types, member: Member, tag: str) -> set[str]:
    _, schema = types.resolved(member.found.get("properties", {}).get(tag, {}))
    return {compact(value) for value in values(schema)}


def _by_name(member: Member) -> Iterable[Hashable]:
    return [] if member.name is None else [(member.name, member.kind)]


def _by_tag(types: Types, tag: str, member: Member) -> Iterable[Hashable]:
    return _tags(types, member, tag)


def _by_content(member: Member) -> Iterable[Hashable]:
    return [member.content]


def _by_outside(types: Types, member: Member) -> Iterable[Hashable]:
    def opened(schema: Schema) -> Schema:
        name, found = types.resolved(schema)
        return _nameless(found) if name is not None else mapped(schema, opened)

    return [compact(mapped(member.found, opened))]


def _nameless(schema: Schema) -> Schema:
    """Return a schema without the names of the types in it."""
    return {**mapped(schema, _nameless), **({"$ref": ""} if "$ref" in schema else {})}


def _candidates(old: Sequence[Member], new: Sequence[Member]) -> Iterator[tuple[int, int]]:
    """Yield the pairs to compare: all of a few, of many those with the most fields in common."""
    if len(old) <= _FEW or len(new) <= _FEW:
        yield from ((i, j) for i in range(len(old)) for j in range(len(new)))
        return
    users: dict[str, list[int]] = {}
    for j, other in enumerate(new):
        for name in other.fields:
            users.setdefault(name, []).append(j)
    for i, one in enumerate(old):
        common = Counter(j for name in one.fields for j in users.get(name, ()))
        kin = [j for j, other in enumerate(new) if j not in common and other.kind == one.kind]
        best = sorted(common, key=lambda j: (-common[j], abs(i - j)))
        nearest = sorted(kin, key=lambda j: abs(i - j))
        yield from ((i, j) for j in (*best, *nearest)[:_LIKES])


def _split(
    old: Iterable[Member],
    new: Iterable[Member],
    old_keys: Callable[[Member], Iterable[Hashable]],
    new_keys: Callable[[Member], Iterable[Hashable]],
) -> tuple[list[Pair], list[Member], list[Member]]:
    """Pair each old member with the first new one that has a key in common.

    Returns:
        The pairs, the old members without a partner, and the new ones without one.
    """
    fresh = {id(member): member for member in new}
    index: dict[Hashable, list[Member]] = {}
    for member in fresh.values():
        for key in new_keys(member):
            index.setdefault(key, []).append(member)
    pairs: list[Pair] = []
    lost: list[Member] = []
    for one in old:
        matches = (member for key in old_keys(one) for member in index.get(key, ()))
        match = next((member for member in matches if id(member) in fresh), None)
        if match is None:
            lost.append(one)
        else:
            del fresh[id(match)]
            pairs.append((one, match))
    return pairs, lost, list(fresh.values())
