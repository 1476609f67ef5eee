"""Dependencies: values that a function requests by `Annotated[T, Depends(fn)]`, made per call."""

from bytesocket_app.dependencies.binding import bind
from bytesocket_app.dependencies.lasting import Lasting
from bytesocket_app.dependencies.marker import Depends

__all__ = ["Depends", "Lasting", "bind"]
