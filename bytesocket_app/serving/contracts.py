"""Which contract a client was generated from, and what that means for its connection.

A generated client names its contract's fingerprint in the handshake (`?contract=...`). A client
that names another one than the application's is a stranger: an old page in an open tab, or a
newer client during a deployment.
"""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from anyio.to_thread import run_sync

from bytesocket_app.dispatch.answers import protocol_frame
from bytesocket_app.errors import ConfigurationError, Phase, UnknownContract
from bytesocket_app.settings import Policies
from bytesocket_app.socket import SendingSide, Socket
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.shapes import auth_error, error_context

logger = logging.getLogger("bytesocket")

MAX_STRANGERS: Final = 64
"""Fingerprints that are remembered, and logged: anybody may send any text."""

SHOWN: Final = 16
"""How much of a fingerprint is shown, as in the head of a generated file."""


class Contracts:
    """Compares what clients name with the application's own contract, and refuses by policy.

    Args:
        fingerprint: Builds the application's contract and returns its fingerprint. Called once,
            in a thread, when the first client names a contract: a tenth of a second for a hundred
            events, which neither the start nor the event loop should pay.
        policies: Which clients are refused.
    """

    def __init__(self, fingerprint: Callable[[], str], policies: Policies) -> None:
        self._fingerprint = fingerprint
        self._policies = policies
        self._lock = Lock()
        self._is_built = False
        self._own: str | None = None
        self._seen = set[str]()

    async def allow(self, stated: str | None) -> bool:
        """Whether a client may come in that names this fingerprint, or, as the origin's, none."""
        policies = self._policies
        if stated is None:
            if policies.without_contract == "refuse":
                self._log_once("", "a client that names no contract is refused")
            return policies.without_contract == "accept"
        if not self._is_built:
            await run_sync(self._build)
        if self._own is None or stated == self._own or stated.startswith(policies.contracts):
            return True
        verdict = {"accept": "accepted", "refuse": "refused"}[policies.unknown_contract]
        shown, ours = stated[:SHOWN], self._own[:SHOWN]
        self._log_once(shown, f"a client of contract {shown!r} is {verdict}; ours is {ours}")
        return policies.unknown_contract == "accept"

    def dismiss(self, socket: Socket[Any], sending: SendingSide) -> None:
        """Tell a client that is not allowed why, over its connection, and close that with 4010.

        A status in place of the connection would stay with the browser, and not every server can
        send one; a client that learns no reason comes back for ever. Type 6 ends every client for
        good: those that are out already, and the origin's.
        """
        message = "Only clients that name their contract may connect here."
        if socket.contract is not None:
            message = (
                f"This client was made for contract {socket.contract[:SHOWN]}, and the server has "
                f"{(self._own or '')[:SHOWN]}: reload the page, or update the client."
            )
        code = CloseCode.UNKNOWN_CONTRACT
        context = error_context(Phase.UPGRADE, UnknownContract(message), code=int(code))
        sending.write(protocol_frame(sending, auth_error(context)))
        sending.shut(code, "unknown contract")

    def _build(self) -> None:
        with self._lock:  # many may come at once, after a restart; one builds
            if self._is_built:
                return
            try:
                self._own = self._fingerprint()
            except ConfigurationError as error:
                logger.error("clients' contracts are not compared: %s", error)  # noqa: TRY400 - it says all
            except Exception:
                logger.exception("clients' contracts are not compared: ours cannot be built")
            self._is_built = True

    def _log_once(self, shown: str, text: str) -> None:
        if shown in self._seen or len(self._seen) >= MAX_STRANGERS:
            return
        self._seen.add(shown)
        logger.warning("%s", text)
        if len(self._seen) == MAX_STRANGERS:
            logger.warning("further contracts of clients are not logged")
