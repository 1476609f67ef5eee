"""Running connections: the one loop, the sweep of deadlines, and the server runners.

`connection` pumps one connection's messages through dispatch; `endpoint` is the entry point that
adaptors call; `housekeeping` lends a task group to what serves all sockets. The runners in
`runners` are imported only by who runs that server.
"""

from bytesocket_app.serving.endpoint import ApplicationEndpoint
from bytesocket_app.serving.housekeeping import Housekeeping, sweep_interval

__all__ = ["ApplicationEndpoint", "Housekeeping", "sweep_interval"]
