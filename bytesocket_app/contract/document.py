"""The contract document: canonical JSON with a fingerprint of its content.

Canonical JSON has sorted keys, two spaces of indent, unescaped Unicode text, and one newline at the
end. The same application gives the same bytes, so a file can be compared, checked in and reviewed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python

from bytesocket_app.contract.fingerprint import canonical, fingerprint, full_digest
from bytesocket_app.errors import ContractError

FORMAT: Final = 1
"""Version of the document's format; a reader refuses newer ones."""

LATER: Final = frozenset({"capabilities"})
"""Keys that documents of version 0.1 lack."""

KEYS: Final = frozenset(
    {
        "auth",
        "events",
        "fingerprint",
        "format",
        "path",
        "refusals",
        "rooms",
        "serialization",
        "title",
        "types",
        "version",
    }
)
"""Keys of every document."""

_AGAIN: Final = "Write it again with `bytesocket generate contract`."


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one application.

    Attributes:
        document: Plain JSON values with sorted keys, `fingerprint` included.
        fingerprint: SHA-256 in hex of what clients can notice of the document.
    """

    document: dict[str, Any]
    fingerprint: str

    @classmethod
    def seal(cls, body: Mapping[str, Any]) -> Self:
        """Make a contract from a document without a fingerprint.

        Raises:
            ContractError: The document holds a value that JSON cannot express.
        """
        try:
            text = canonical(to_jsonable_python(body))
        except (TypeError, ValueError, PydanticSerializationError) as error:
            raise ContractError(f"The contract holds a value JSON cannot carry: {error}.") from None
        # Read back from the text: sorted, and nothing in it is shared with the body.
        return cls._of(json.loads(text))

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Self:
        own = fingerprint(document)
        return cls(dict(sorted({**document, "fingerprint": own}.items())), own)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint, and the digest of all of the document, which version 0.1 called so.

        A client that names one of them was generated from a contract like this one.
        """
        return self.fingerprint, full_digest(self.document)

    def to_json(self) -> str:
        """Return the document's canonical text, to be written as UTF-8."""
        return canonical(self.document)

    @classmethod
    def from_json(cls, text: str, *, place: str = "the contract") -> Self:
        """Read a document that `to_json` wrote.

        A fingerprint as version 0.1 wrote it is taken, and replaced.

        Args:
            text: The text of the document.
            place: Name of its source in errors: a file name, a git reference.

        Raises:
            ContractError: The text is not JSON, is not a contract, has a newer format, or was
                changed since it was written.
        """
        document = _parsed(text, place)
        written = document.get("format")
        if isinstance(written, int) and written > FORMAT:
            raise ContractError(
                f"{place} has format {written}, and this bytesocket reads up to {FORMAT}. "
                "Upgrade bytesocket, or write the contract again with this version."
            )
        if missing := sorted(KEYS - document.keys()):
            raise ContractError(f"{place} is not a contract: it lacks {_listed(missing)}. {_AGAIN}")
        _check_shape(document, place)
        contract = cls._of(json.loads(json.dumps(document, sort_keys=True)))
        stated = document["fingerprint"]
        if stated not in contract.fingerprints:
            raise ContractError(
                f"{place} was changed since it was written: its fingerprint is "
                f"{str(stated)[:16]}, its content has {contract.fingerprint[:16]}. {_AGAIN}"
            )
        return contract


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        document: object = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ContractError(f"{place} is not JSON ({where}: {error.msg}). {_AGAIN}") from None
    except RecursionError:
        raise ContractError(f"{place} is nested too deeply to be a contract. {_AGAIN}") from None
    if not isinstance(document, dict):
        raise ContractError(f"{place} is not a contract: its JSON is no object. {_AGAIN}")
    return cast("dict[str, Any]", document)


def _check_shape(document: Mapping[str, Any], place: str) -> None:
    kinds = {"events": list, "rooms": list, "refusals": dict, "types": dict, "title": str}
    for key, kind in kinds.items():
        if not isinstance(document[key], kind):
            expected = {list: "a list", dict: "an object", str: "a text"}[kind]
            raise ContractError(f"{place} is not a contract: `{key}` is not {expected}. {_AGAIN}")
    if document["format"] != FORMAT:
        raise ContractError(
            f"{place} is not a contract: `format` is {document['format']!r}, not {FORMAT}. {_AGAIN}"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
