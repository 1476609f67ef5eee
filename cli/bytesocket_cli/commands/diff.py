"""`bytesocket diff`: check if a new contract breaks the clients of an old one."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from bytesocket_cli import console
from bytesocket_cli.errors import FINDINGS, CliError
from bytesocket_cli.project import Project
from bytesocket_cli.sources import Source, pair


class Gate(StrEnum):
    """Level of findings that can be made to fail the command."""

    WIRE = "wire"
    SOURCE = "source"
    SILENT = "silent"


def _show_codes(*, wanted: bool) -> None:
    if not wanted:
        return
    from bytesocket_app.contract.compatibility import RULES

    rows = [
        [code.value, ", ".join(rule.c2s), ", ".join(rule.s2c), rule.meaning]
        for code, rule in RULES.items()
    ]
    console.table(("code", "clients send", "server sends", "meaning"), rows)
    raise typer.Exit


def diff(
    old: Annotated[
        str,
        typer.Argument(
            help="What deployed clients were made from: a contract file, a TARGET, git:REF, or "
            "git:REF:PATH.",
            show_default=False,
        ),
    ],
    new: Annotated[
        str | None,
        typer.Argument(
            help="What is to be deployed; without it the project's own application.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdict as a JSON object.")
    ] = False,
    fail_on: Annotated[
        list[Gate] | None,
        typer.Option(
            help="Exit 1 on this level too; wire breaks always fail. May be given twice.",
            show_default=False,
        ),
    ] = None,
    _codes: Annotated[
        bool,
        typer.Option("--codes", callback=_show_codes, is_eager=True, help="List all codes."),
    ] = False,
) -> None:
    """Compare two contracts: what breaks for deployed clients, and what to do."""
    from bytesocket_cli.verdicts import Verdict, allow, show

    before, after, project = pair(old, new)
    findings = _findings(before, after)
    _check(project)
    verdict = Verdict(
        (before.place, before.document["fingerprint"]),
        (after.place, after.document["fingerprint"]),
        allow(findings, project.allowed, datetime.now(UTC).date()),
        frozenset({Gate.WIRE.value, *(gate.value for gate in fail_on or ())}),
    )
    if as_json:
        console.say(json.dumps(verdict.to_dict(), indent=2, ensure_ascii=False))
    else:
        show(verdict)
    for one in verdict.allowed.expired:
        console.warn(f"{project.settings}: diff.allow {one} expired on {one.until}")
    for one in verdict.allowed.unused:
        console.warn(f"{project.settings}: diff.allow {one} has nothing to allow: remove it")
    for one, fitting in verdict.allowed.ambiguous:
        told = "; ".join(dict.fromkeys(one.missing(found, others=True) for found in fitting))
        console.warn(
            f"{project.settings}: diff.allow {one} fits several changes and allows none of them: "
            f"write an entry for each, with {told}"
        )
    for one, found in verdict.allowed.loose:
        console.warn(
            f"{project.settings}: diff.allow {one} would allow another change as well: add "
            f"{one.missing(found)}"
        )
    if verdict.failed:
        raise typer.Exit(FINDINGS)


def _findings(before: Source, after: Source) -> list[dict[str, Any]]:
    from bytesocket_app.contract.compatibility import compare

    try:
        found = [finding.to_dict() for finding in compare(before.document, after.document)]
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        # The fingerprint fits, but the document was made by hand or by another program.
        raise CliError(
            f"{before.place} or {after.place} has not the form of a contract "
            f"({type(error).__name__}: {error}): write it again with bytesocket generate contract"
        ) from error

    if after.application is None:
        return found
    from bytesocket_cli.places import Places

    places = Places(after.application)
    return [{**finding, "source": places.of(finding)} for finding in found]


def _check(project: Project) -> None:
    from bytesocket_app.contract.compatibility import Code
    from bytesocket_cli.allowances import check_codes

    check_codes(str(project.settings), project.allowed, [code.value for code in Code])
