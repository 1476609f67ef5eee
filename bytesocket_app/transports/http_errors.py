"""HTTP exceptions, such as FastAPI's HTTPException, turned into refusals for a WebSocket peer.

Code that HTTP routes and handlers share raises them. No framework is imported: an HTTPException is
recognised by its name and by `status_code` and `detail`, a WebSocketException by `code` and
`reason` (Starlette, "Exceptions").
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bytesocket_app.errors import Refusal

_CLOSES: Final = {1011: 500, 1013: 503}
"""HTTP statuses of close codes for server errors; other codes refuse (RFC 6455 section 7.4.1)."""

_CODES: Final = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True, slots=True)
class HttpError:
    """HTTP answer that an exception carries.

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
    """Return the refusal that an HTTP exception stands for, with the same text; None without one.

    A redirection is a refusal too: a peer cannot follow it. A status of 500 or more is a failure.
    """
    found = http_error(error)
    if found is None or found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    data = None if isinstance(found.detail, str) else found.detail
    return Refusal(found.message, code=_CODES.get(found.status, "refused"), data=data)
