"""Changes of payloads, replies and refusals, each compared in its direction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place, of_change
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.schemas import Comparison
from bytesocket_app.contract.shape import Schema


@dataclass(frozen=True, slots=True)
class Documents:
    """The two documents that are compared."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]

    def comparison(self, way: Way) -> Comparison:
        """Return a new comparison of types in a direction."""
        is_marked = "capabilities" in self.old and "capabilities" in self.new
        return Comparison(self.old["types"], self.new["types"], way, is_marked=is_marked)

    def payload(self, old: Schema, new: Schema, way: Way, place: Place) -> Iterator[Finding]:
        """Compare two schemas in a direction."""
        for change in self.comparison(way).compare(old, new):
            yield of_change(change, way, place)

    def answer(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place
    ) -> Iterator[Finding]:
        """Compare the answers to a client's event: the reply, and the refusals' codes.

        Args:
            old: The old entry of an event, or of an event in a room, with `reply` and `refusals`.
            new: The new entry.
            place: The event.
        """
        reply, reply_now = old["reply"], new["reply"]
        at = replace(place, part="reply")
        if reply is not None and reply_now is not None:
            yield from self.payload(reply, reply_now, Way.S2C, at)
        elif reply_now is not None:
            yield Finding(Code.REPLY_ADDED, Way.S2C, at)
        elif reply is not None:
            is_null_taken = self.comparison(Way.S2C).deeper.fits(reply, {"type": "null"})
            code = Code.REPLY_EMPTIED if is_null_taken else Code.REPLY_REMOVED
            yield Finding(code, Way.S2C, at)
        yield from codes(old, new, place)

    def refusals(self) -> Iterator[Finding]:
        """Compare the data of the refusals that both documents have."""
        before, after = self.old["refusals"], self.new["refusals"]
        for code in sorted(before.keys() & after.keys()):
            place = Place(part=f"refusal {code}")
            data, data_now = before[code]["data"], after[code]["data"]
            if data is not None and data_now is not None:
                yield from self.payload(data, data_now, Way.S2C, place)
            elif data is not data_now:
                added = Code.REFUSAL_DATA_ADDED
                yield Finding(added if data is None else Code.REFUSAL_DATA_REMOVED, Way.S2C, place)


def codes(old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Compare the declared refusals; a room without refusals does not have the key."""
    before, after = set(old.get("refusals", ())), set(new.get("refusals", ()))
    for code in sorted(after - before):
        yield Finding(Code.REFUSAL_ADDED, Way.S2C, place, new=code)
    for code in sorted(before - after):
        yield Finding(Code.REFUSAL_REMOVED, Way.S2C, place, old=code)


def class_name(old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Report a class name that was chosen for generated Python clients, or that is another now."""
    before, after = old.get("class_name"), new.get("class_name")
    if before != after:
        usual = "the usual one"
        yield Finding(Code.CLASS_NAME_CHANGED, None, place, "", before or usual, after or usual)


def unknown(
    old: Mapping[str, Any], new: Mapping[str, Any], known: frozenset[str], place: Place
) -> Iterator[Finding]:
    """Report changes under keys that this version does not know."""
    for key in sorted((old.keys() | new.keys()) - known):
        if old.get(key) != new.get(key):
            yield Finding(Code.UNKNOWN_CHANGED, None, place, new=key)
