"""Changes of the application itself: title, path, codec and authentication."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.payloads import Documents, unknown
from bytesocket_app.contract.document import KEYS, LATER

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
    for word in sorted(_capabilities(old) - _capabilities(new)):
        yield Finding(Code.CAPABILITY_REMOVED, None, Place(), old=word)
    yield from unknown(old, new, KEYS | LATER, Place())


def _auth(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, documents: Documents
) -> Iterator[Finding]:
    place = Place(part="auth")
    if old is None or new is None:
        if new is not None:
            yield Finding(Code.AUTH_REQUIRED, Way.C2S, place, new=str(new["via"]))
        elif old is not None:
            yield Finding(_removed(old, documents.new), Way.C2S, place, old=str(old["via"]))
    elif old["via"] != new["via"]:
        yield Finding(Code.AUTH_CHANGED, Way.C2S, place, "", str(old["via"]), str(new["via"]))
    elif old["via"] == "message":
        at = Place(part="credentials")
        yield from documents.payload(old["credentials"], new["credentials"], Way.C2S, at)


def _removed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Code:
    """Return the code for clients that still send their credentials, if they ever did."""
    if old["via"] != "message":
        return Code.HANDSHAKE_AUTH_REMOVED
    is_answered = "answers_credentials" in _capabilities(new)
    return Code.AUTH_REMOVED if is_answered else Code.AUTH_UNANSWERED


def _capabilities(document: Mapping[str, Any]) -> set[str]:
    """Return what a server can do; documents of version 0.1 do not have the key."""
    return set(document.get("capabilities", ()))
