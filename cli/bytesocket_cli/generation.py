"""Generation of files from a contract document."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bytesocket_cli.errors import CliError
from bytesocket_cli.output import File, text_file
from bytesocket_cli.project import Generation, Language, Package, Peer


def files(document: Mapping[str, Any], generation: Generation) -> list[File]:
    """Generate the files of one target.

    Args:
        document: A contract document.
        generation: Language and path; for JavaScript a file of types is added beside it.

    Raises:
        CliError: The language is JavaScript and the path does not end in .js or .mjs.
    """
    path = generation.output
    if generation.target != "javascript":
        written = text(
            document, generation.target, package=generation.package, peer=generation.peer
        )
        return [text_file(path, written)]
    types = {".js": ".d.ts", ".mjs": ".d.mts"}.get(path.suffix)
    if types is None:
        raise CliError(f"{path}: JavaScript goes into a file that ends in .js or .mjs")
    from bytesocket_cli.codegen.typescript import javascript

    module, declarations = javascript(dict(document), peer=generation.peer)
    return [text_file(path, module), text_file(path.with_suffix(types), declarations)]


def text(
    document: Mapping[str, Any],
    language: Language,
    *,
    package: Package | None = None,
    peer: Peer = "bytesocket",
) -> str:
    """Generate one target as text; for JavaScript only the module, without its types."""
    if language == "contract":
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if language == "python":
        from bytesocket_cli.codegen.python import python

        return python(document)
    if language == "asyncapi":
        from bytesocket_cli.codegen.asyncapi import asyncapi

        return asyncapi(document)
    from bytesocket_cli.codegen import typescript

    if package is not None:
        from bytesocket_cli.codegen.bytesocket_client import bytesocket_client

        return bytesocket_client(document)
    if language == "javascript":
        return typescript.javascript(document, peer=peer)[0]
    return typescript.typescript(document, peer=peer)


def outputs(generation: Generation) -> list[Path]:
    """Return the paths of the files that a target consists of."""
    path = generation.output
    if generation.target == "javascript":
        return [path, path.with_suffix(".d.mts" if path.suffix == ".mjs" else ".d.ts")]
    return [path]
