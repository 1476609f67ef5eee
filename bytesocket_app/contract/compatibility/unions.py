"""Changes of unions, whose members are matched by name, by tag, and by similarity."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, TypeAlias

from bytesocket_app.contract.compatibility.changes import Change, Deeper
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import Types, kind, values, words
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.shape import Schema, compact

Pair: TypeAlias = tuple[Schema, Schema]

_ALIKE: Final = {"integer": "number", "flags": "number"}
_WHOLE: Final = frozenset({"array", "object", "enum", "flags"})
"""Kinds of which two members count as one that changed, even if all of it changed."""


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
        pairs, lost, fresh = _split(old, new, self._same_name)
        if tag is not None:
            by_tag, lost, fresh = _split(lost, fresh, lambda a, b: self._same_tag(a, b, tag))
            pairs += by_tag
        alike, lost, fresh = self._alike(lost, fresh)
        for before, after in [*pairs, *alike]:
            covered = partial(self._is_covered, before, after, old, new)
            yield from self._deeper.unless(before, after, path, covered)
        for member in lost:
            if not any(self._deeper.fits(member, other) for other in new):
                yield Change(Code.MEMBER_REMOVED, path, old=self._words(self._old, member, tag))
        for member in fresh:
            if not any(self._deeper.fits(other, member) for other in old):
                yield Change(Code.MEMBER_ADDED, path, new=self._words(self._new, member, tag))

    def _is_covered(
        self, before: Schema, after: Schema, old: list[Schema], new: list[Schema]
    ) -> bool:
        """Return True if another member accepts what a pair breaks: a new literal beside `str`."""
        fits = self._deeper.fits
        if self._deeper.way is Way.C2S:
            return any(fits(before, other) for other in new if other is not after)
        return any(fits(other, after) for other in old if other is not before)

    def _same_name(self, one: Schema, other: Schema) -> bool:
        name, found = self._old.resolved(one)
        name_now, found_now = self._new.resolved(other)
        if name is None or name_now is None:
            return compact(found) == compact(found_now)
        return name == name_now and kind(found) == kind(found_now)

    def _same_tag(self, one: Schema, other: Schema, tag: str) -> bool:
        return bool(_tags(self._old, one, tag) & _tags(self._new, other, tag))

    def _alike(
        self, old: list[Schema], new: list[Schema]
    ) -> tuple[list[Pair], list[Schema], list[Schema]]:
        """Pair the most similar members first; two scalars only if one can replace the other."""
        ranked: list[tuple[int, int, int, int]] = []
        for i, one in enumerate(old):
            for j, other in enumerate(new):
                pair = compact(one), compact(other)
                if pair not in self._costs:
                    self._costs[pair] = self._cost(one, other)
                cost = self._costs[pair]
                if cost is not None:
                    ranked.append((*cost, i, j))
        taken: list[tuple[int, int]] = []
        for _, _, i, j in sorted(ranked):
            if all(i != before and j != after for before, after in taken):
                taken.append((i, j))
        olds, news = {i for i, _ in taken}, {j for _, j in taken}
        return (
            [(old[i], new[j]) for i, j in taken],
            [one for i, one in enumerate(old) if i not in olds],
            [one for j, one in enumerate(new) if j not in news],
        )

    def _cost(self, one: Schema, other: Schema) -> tuple[int, int] | None:
        """Return the number of breaks and of changes of two members; None if they are no pair."""
        what = kind(self._old.resolved(one)[1])
        what_now = kind(self._new.resolved(other)[1])
        if _ALIKE.get(what, what) != _ALIKE.get(what_now, what_now):
            return None
        found = list(self._deeper.attempt(one, other, ""))
        broken = sum(change.breaks(self._deeper.way) for change in found)
        if what not in _WHOLE and any(
            change.breaks(Way.C2S) and change.breaks(Way.S2C) for change in found
        ):
            return None
        return broken, len(found)

    def _words(self, types: Types, member: Schema, tag: str | None) -> str:
        name, found = types.resolved(member)
        tags = _tags(types, member, tag) if tag else None
        return f"{tag}={' | '.join(sorted(tags))}" if tags else words(found, name)


def _tags(types: Types, member: Schema, tag: str) -> set[str]:
    _, found = types.resolved(member)
    _, schema = types.resolved(found.get("properties", {}).get(tag, {}))
    return {compact(value) for value in values(schema)}


def _split(
    old: Iterable[Schema], new: Iterable[Schema], belong: Callable[[Schema, Schema], bool]
) -> tuple[list[Pair], list[Schema], list[Schema]]:
    """Pair each old member with the first new one that `belong` accepts.

    Returns:
        The pairs, the old members without a partner, and the new ones without one.
    """
    pairs: list[Pair] = []
    lost: list[Schema] = []
    fresh = list(new)
    for one in old:
        match = next((other for other in fresh if belong(one, other)), None)
        if match is None:
            lost.append(one)
        else:
            fresh.remove(match)
            pairs.append((one, match))
    return pairs, lost, fresh
