"""A request's headers as the core sees them."""

from collections.abc import Iterable


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined with `, `, cookies with `; `.

    Source: RFC 9110 section 5.3; RFC 9113 section 8.2.3 (HTTP/2 may send every cookie in a header
    of its own).
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    return headers
