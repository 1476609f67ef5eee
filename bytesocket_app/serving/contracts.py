"""Check of the contract that a client was generated from.

A generated client names its contract's fingerprint in the handshake (`?contract=...`). A client may
name another contract than the application's: an old page in an open tab does, or a newer client
during a deployment.
"""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from anyio.to_thread import run_sync

from bytesocket_app.errors import ConfigurationError, Phase, UnknownContract
from bytesocket_app.serving.dismissal import Dismissal
from bytesocket_app.settings import FINGERPRINT, Policies
from bytesocket_app.socket import Socket
from bytesocket_app.wire.close import CloseCode

logger = logging.getLogger("bytesocket")

MAX_STRANGERS: Final = 64
"""Greatest number of unknown fingerprints that are logged, as a client may send any text."""

SHOWN: Final = 16
"""Digits of a fingerprint in log messages, as many as in the head of a generated file."""


class Contracts:
    """Comparison of clients' contracts with the application's own.

    Args:
        fingerprints: Builds the application's contract and returns its fingerprints, of which
            the first is shown. It is slow, so it is called once, in a thread, when the first client
            names a contract.
        policies: The policies about clients to refuse.
    """

    def __init__(self, fingerprints: Callable[[], tuple[str, ...]], policies: Policies) -> None:
        self._fingerprints = fingerprints
        self._policies = policies
        self._lock = Lock()
        self._is_built = False
        self._own: tuple[str, ...] = ()
        self._seen = set[str]()

    async def refusal(self, socket: Socket[Any]) -> Dismissal | None:
        """Return the dismissal of a client that may not connect, None for one that may."""
        stated = socket.contract
        if await self._allow(stated):
            return None
        message = "Only clients that name their contract may connect here."
        if stated is not None:
            message = (
                f"This client was made for contract {stated[:SHOWN]}, and the server has "
                f"{''.join(self._own[:1])[:SHOWN]}: reload the page, or update the client."
            )
        refusal = UnknownContract(message)
        return Dismissal(Phase.UPGRADE, refusal, CloseCode.UNKNOWN_CONTRACT, "unknown contract")

    async def _allow(self, stated: str | None) -> bool:
        policies = self._policies
        if stated is None:
            if policies.without_contract == "refuse":
                self._log_once("", "a client that names no contract is refused")
            return policies.without_contract == "accept"
        if not self._is_built:
            await run_sync(self._build)
        if not self._own or stated in self._own or stated.startswith(policies.contracts):
            return True
        verdict = {"accept": "accepted", "refuse": "refused"}[policies.unknown_contract]
        ours = self._own[0][:SHOWN]
        # What is no fingerprint may be anything, a misplaced token too.
        shown = repr(stated[:SHOWN]) if FINGERPRINT.match(stated) else "of no known form"
        self._log_once(shown, f"a client of contract {shown} is {verdict}; ours is {ours}")
        return policies.unknown_contract == "accept"

    def _build(self) -> None:
        with self._lock:  # after a restart many clients come at once; only one thread builds
            if self._is_built:
                return
            try:
                self._own = self._fingerprints()
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
