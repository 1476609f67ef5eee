"""Orders in which the members of unions are tried: left to right, or by the best match.

Two members compete for data only if both take the same sort of JSON: an object is no number,
whichever of them is tried first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bytesocket_app.contract.compatibility.changes import Change
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.forms import Types, kind, words
from bytesocket_app.contract.shape import Schema, compact

_HOLDERS: Final = frozenset({"array", "object"})
_BEST: Final = "the best match"


@dataclass(frozen=True, slots=True)
class _Tried:
    """One member of a left-to-right union: its words, its content, and its sort of JSON."""

    said: str
    content: str
    sort: str


def order(
    old: Types, before: Schema, new: Types, after: Schema, path: str, *, is_marked: bool
) -> Iterator[Change]:
    """Report that another member of a union may take the data than before.

    Args:
        old: The types of the old document.
        before: The old union, with references followed.
        new: The types of the new document.
        after: The new union.
        path: Path of the unions.
        is_marked: True if both documents say which unions are tried left to right.
    """
    tried, tried_now = _tried(old, before), _tried(new, after)
    if tried and tried_now:
        if _is_moved(tried, tried_now):
            yield Change(Code.UNION_ORDER_CHANGED, path, _listed(tried), _listed(tried_now))
    elif is_marked and len(old.members(before)) > 1 < len(new.members(after)):
        sorts = Counter(one.sort for one in tried or tried_now)
        if max(sorts.values(), default=0) > 1:
            said = _listed(tried) or _BEST, _listed(tried_now) or _BEST
            yield Change(Code.UNION_ORDER_CHANGED, path, *said)


def _tried(types: Types, union: Schema, within: frozenset[str] = frozenset()) -> list[_Tried]:
    """Return the members of left-to-right unions in the order of trying; nothing of others.

    One that may be null is a union inside of another.
    """
    members = union.get("anyOf", ())
    places = union.get("x-first-match", ())
    is_first = sorted(places) == list(range(len(members)))
    found: list[_Tried] = []
    for member in [members[place] for place in places] if is_first else members:
        name, schema = types.resolved(member)
        what = kind(schema)
        if "anyOf" in schema and name not in within:
            found += _tried(types, schema, within | {name} if name else within)
        elif is_first and what != "null":  # which nothing else takes
            sort = what if what in _HOLDERS else "scalar"
            found.append(_Tried(words(schema, name), compact(member), sort))
    return found


def _is_moved(old: Sequence[_Tried], new: Sequence[_Tried]) -> bool:
    """Return True if a member comes before one of its sort that came before it, or is new there."""
    said = Counter(one.said for one in old), Counter(one.said for one in new)

    def key(one: _Tried) -> str:
        return one.said if all(count[one.said] <= 1 for count in said) else one.content

    for sort in {one.sort for one in new}:
        before = [key(one) for one in old if one.sort == sort]
        after = [*dict.fromkeys(key(one) for one in new if one.sort == sort)]
        kept = [one for one in after if one in before]
        if [one for one in dict.fromkeys(before) if one in kept] != kept:
            return True
        if kept and after[: len(kept)] != kept:
            return True
    return False


def _listed(members: Sequence[_Tried]) -> str:
    return ", ".join(one.said for one in members)
