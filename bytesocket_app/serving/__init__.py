"""Running connections, checking their deadlines, and the runners for servers.

`connection` passes one connection's messages to dispatch, `endpoint` is the entry point that
adaptors call, and `housekeeping` runs the tasks that serve all sockets. A module in `runners` is
imported only where its server runs.
"""

from bytesocket_app.serving.endpoint import ApplicationEndpoint
from bytesocket_app.serving.housekeeping import Housekeeping, sweep_interval

__all__ = ["ApplicationEndpoint", "Housekeeping", "sweep_interval"]
