"""Certificate of a server, and errors that name a remedy."""

from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from bytesocket_app.errors import ConfigurationError


@dataclass(frozen=True, slots=True, init=False)
class Certificate:
    """Certificate and private key, in PEM files.

    Attributes:
        certfile: The file with the certificate, followed by its chain.
        keyfile: The file with the private key; None if `certfile` has it.
    """

    certfile: Path
    keyfile: Path | None

    def __init__(
        self, certfile: str | PathLike[str], keyfile: str | PathLike[str] | None = None
    ) -> None:
        # The class is frozen.
        object.__setattr__(self, "certfile", Path(certfile))
        object.__setattr__(self, "keyfile", None if keyfile is None else Path(keyfile))

    def context(self) -> Any:
        """Read the files into a TLS context, an `ssl.SSLContext`.

        Raises:
            ConfigurationError: The files cannot be read, or the key is not the certificate's.
        """
        for option, path in (("--certfile", self.certfile), ("--keyfile", self.keyfile)):
            if path is not None:
                _check(option, path)
        ssl: Any = import_module("ssl")  # nobody else needs it
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certfile, self.keyfile, password=self._ask_nobody)
        except ssl.SSLError as error:
            raise ConfigurationError(self._explain(error)) from error
        return context

    def _explain(self, error: Any) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"--keyfile {self.keyfile} is not the key of --certfile {self.certfile}"
        if self.keyfile is None:
            return (
                f"--certfile {self.certfile} does not hold a certificate and its key in PEM: "
                "name the key's file with --keyfile"
            )
        return (
            f"--certfile {self.certfile} and --keyfile {self.keyfile} are no certificate and key "
            f"in PEM ({error.reason or error})"
        )

    def _ask_nobody(self) -> NoReturn:
        raise ConfigurationError(
            f"the key in {self.keyfile or self.certfile} has a passphrase: write it without one, "
            "readable for the server alone (openssl pkey -in KEY -out NEW)"
        )


def _check(option: str, path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise ConfigurationError(
            f"{option} {path} cannot be read: {error.strerror or error}"
        ) from error
