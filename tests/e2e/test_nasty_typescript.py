"""Types of nasty models in TypeScript: what is good fits, what is bad does not, both ways."""

from collections import Counter
from pathlib import Path

import pytest

from bytesocket_cli.codegen.typescript import typescript
from tests.nasty import MODULES, Row, contract
from tests.support.node import TSC, type_check
from tests.support.typescript_checks import CheckFile, Counts

CANARY = """import type { ClientEvents } from "./presence.ts";
// @ts-expect-error
export const fits: ClientEvents["presence"] = { a: 1, b: 2 };
export const misfits: ClientEvents["presence"] = { a: 1, b: 2, x: 3 };
"""
LEAST = {
    "valid": 120,
    "omit": 170,
    "reject": 2200,
    "typo": 120,
    "need": 120,
    "out": 900,
    "present": 750,
}
"""How many checks there are at least: good payloads, good ones with a key less; bad ones, ones with
a misspelt key or without a needed one; what the server sends, and that without what it always
sends."""


@pytest.fixture(scope="module")
def checks(
    tmp_path_factory: pytest.TempPathFactory, node_packages: Path
) -> tuple[Path, dict[str, Counts]]:
    folder = tmp_path_factory.mktemp("nasty")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "canary.ts").write_text(CANARY)
    counts: dict[str, Counts] = {}
    for name, cases in MODULES.items():
        source = typescript(contract(name, cases).document)
        (folder / f"{name}.ts").write_text(source, encoding="utf-8")
        checked = CheckFile(f"{name}.ts")
        checked.add(cases)
        (folder / f"check_{name}.ts").write_text(checked.source(), encoding="utf-8")
        counts[name] = checked.counts
    return folder, counts


@pytest.mark.parametrize("version", list(TSC))
def test_good_payloads_fit_their_types_and_bad_ones_do_not(
    checks: tuple[Path, dict[str, Counts]], version: str
) -> None:
    folder, _ = checks
    said = type_check(folder, version).splitlines()
    # The canary shows that a payload which fits, or does not, against expectation is reported.
    assert [line.partition(": error TS")[::2] for line in said if "canary" not in line] == []
    assert [line.split("(")[0] + line.partition(": error")[2][:7] for line in said] == [
        "canary.ts TS2578",
        "canary.ts TS2353",
    ]


def test_every_kind_of_check_is_made_and_often_enough(
    checks: tuple[Path, dict[str, Counts]],
) -> None:
    _, counts = checks
    total: Counts = sum(counts.values(), Counter[str]())
    assert total.keys() == LEAST.keys()
    assert {kind: total[kind] for kind in LEAST if total[kind] < LEAST[kind]} == {}
    for found in counts.values():
        assert found.keys() == LEAST.keys()


def test_the_nasty_modules_cover_every_row() -> None:
    covered = {row for cases in MODULES.values() for case in cases.values() for row in case.rows}
    since = {Row.MISSING, Row.EXCLUDE_IF}  # in newer versions of Pydantic
    assert set(Row) - covered <= (since if not covered & since else set())
    for cases in MODULES.values():
        for name, case in cases.items():
            assert case.good, name
            assert case.bad or case.unlike or Row.ANYTHING in case.rows, name
