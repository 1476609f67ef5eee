"""Dependencies: what a function asks for by `Annotated[T, Depends(fn)]`, made for each call."""

from bytesocket_app.dependencies.binding import bind
from bytesocket_app.dependencies.marker import Depends

__all__ = ["Depends", "bind"]
