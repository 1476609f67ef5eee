"""Changes of the application itself: title, path, codec and authentication."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.payloads import Documents, unknown
from bytesocket_app.contract.document import KEYS

_PLAIN: Final = (
    ("title", Code.TITLE_CHANGED),
    ("version", Code.VERSION_CHANGED),
    ("path", Code.PATH_CHANGED),
    ("serialization", Code.SERIALIZATION_CHANGED),
)


def application(documents: Documents) -> Iterator[Finding]:
    """Compare title, version, path, codec, authentication, and keys that are not known."""
    old, new = documents.old, documents.new
    for key, code in _PLAIN:
        if old[key] != new[key]:
            yield Finding(code, None, Place(), "", str(old[key]), str(new[key]))
    yield from _auth(old["auth"], new["auth"], documents)
    yield from unknown(old, new, KEYS, Place())


def _auth(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, documents: Documents
) -> Iterator[Finding]:
    place = Place(part="auth")
    if old is None or new is None:
        if new is not None:
            yield Finding(Code.AUTH_REQUIRED, Way.C2S, place, new=str(new["via"]))
        elif old is not None:
            yield Finding(Code.AUTH_REMOVED, Way.C2S, place, old=str(old["via"]))
    elif old["via"] != new["via"]:
        yield Finding(Code.AUTH_CHANGED, Way.C2S, place, "", str(old["via"]), str(new["via"]))
    elif old["via"] == "message":
        at = Place(part="credentials")
        yield from documents.payload(old["credentials"], new["credentials"], Way.C2S, at)
