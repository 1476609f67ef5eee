"""What code shared with HTTP routes raises, FastAPI's HTTPException, told to a socket's peer.

Nothing is imported: Starlette's class and those of the same name and shape elsewhere are known by
`status_code` and `detail`, its WebSocketException by `code` and `reason` (Starlette, "Exceptions").
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bytesocket_app.errors import Refusal

_CLOSES: Final = {1011: 500, 1013: 503}
"""Close codes that say the server is at fault; any other refuses (RFC 6455 section 7.4.1)."""

_CODES: Final = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True, slots=True)
class HttpError:
    """An answer that an exception carries.

    Attributes:
        status: The HTTP status.
        detail: A text, or any JSON value.
    """

    status: int
    detail: Any

    @property
    def message(self) -> str:
        """One sentence for a person: the detail, or the status in words."""
        if isinstance(self.detail, str) and self.detail:
            return self.detail
        known = self.status in HTTPStatus.__members__.values()
        return HTTPStatus(self.status).phrase if known else f"HTTP {self.status}"


def http_error(error: BaseException) -> HttpError | None:
    """Read an exception as an HTTP answer, if it is one."""
    names = {kind.__name__ for kind in type(error).__mro__}
    status, close = getattr(error, "status_code", None), getattr(error, "code", None)
    if "HTTPException" in names and isinstance(status, int) and hasattr(error, "detail"):
        return HttpError(status, getattr(error, "detail", None))
    if "WebSocketException" in names and isinstance(close, int):
        return HttpError(_CLOSES.get(close, 403), getattr(error, "reason", None) or "")
    return None


def http_refusal(error: BaseException) -> Refusal | None:
    """Read an exception as a refusal: what it says to a browser it says to a peer.

    A redirection is one too: it leads to a page. A status from 500 on is none: something broke.
    """
    found = http_error(error)
    if found is None or found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    data = None if isinstance(found.detail, str) else found.detail
    return Refusal(found.message, code=_CODES.get(found.status, "refused"), data=data)
