"""What code shared with HTTP routes raises, FastAPI's HTTPException, told to a socket's peer.

Nothing is imported: Starlette's class and those of the same name and shape elsewhere are known by
`status_code` and `detail` (Starlette, "Exceptions").
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bytesocket_app.errors import Refusal

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
    status = getattr(error, "status_code", None)
    named = any(kind.__name__ == "HTTPException" for kind in type(error).__mro__)
    if not (named and isinstance(status, int) and hasattr(error, "detail")):
        return None
    return HttpError(status, getattr(error, "detail"))  # noqa: B009 - the type has no such name


def http_refusal(error: BaseException) -> Refusal | None:
    """Read an exception as a refusal: what it says to a browser it says to a peer.

    A redirection is one too: it leads to a page. A status from 500 on is none: something broke.
    """
    found = http_error(error)
    if found is None or found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    data = None if isinstance(found.detail, str) else found.detail
    return Refusal(found.message, code=_CODES.get(found.status, "refused"), data=data)
