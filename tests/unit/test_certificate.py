"""A certificate that cannot be served with is one line that says why."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_cli.errors import CliError
from bytesocket_cli.worker import certificate


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates with their keys, and the first key with a passphrase."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    for name in ("one", "two"):
        issued = authority.issue_cert(f"{name}.example")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.both")
    key = load_pem_private_key((folder / "one.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush"))
    (folder / "locked.key").write_bytes(locked)
    (folder / "text").write_text("no PEM at all")
    return folder


def test_files_may_be_named_by_strings() -> None:
    assert Certificate("a.pem", "a.key") == Certificate(Path("a.pem"), Path("a.key"))
    assert Certificate("a.pem") == Certificate(certfile=Path("a.pem"), keyfile=None)


@pytest.mark.parametrize(("cert", "key"), [("one.pem", "one.key"), ("two.both", None)])
def test_a_certificate_and_its_key_are_read(cert: str, key: str | None, files: Path) -> None:
    assert certificate(files / cert, None if key is None else files / key) is not None


@pytest.mark.parametrize(
    ("cert", "key", "words"),
    [
        ("none.pem", None, "--certfile {}/none.pem cannot be read: No such file"),
        ("one.pem", "none.key", "--keyfile {}/none.key cannot be read: No such file"),
        (".", None, "cannot be read: Is a directory"),
        ("one.pem", "two.key", "--keyfile {}/two.key is not the key of --certfile {}/one.pem"),
        ("one.pem", None, "name the key's file with --keyfile"),
        ("text", "one.key", "are no certificate and key in PEM"),
        ("one.pem", "locked.key", "has a passphrase"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    cert: str, key: str | None, words: str, files: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Certificate(files / cert, None if key is None else files / key).context()
    assert words.replace("{}", str(files)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_alone_is_refused(files: Path) -> None:
    with pytest.raises(CliError, match="--certfile"):
        certificate(None, files / "one.key")


def test_without_options_there_is_none() -> None:
    assert certificate(None, None) is None
