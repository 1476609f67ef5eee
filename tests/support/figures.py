"""Figures that tests have measured, as one table at the end of the run.

A test says `record_property(ROW, ("what was measured", {"column": value}))`.
"""

from typing import Any, Final

import pytest

ROW: Final = "row"
"""Name of the property with a row of the table."""


def rows_of(reports: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rows of reports, in their order."""
    return [row for each in reports for name, row in each.user_properties if name == ROW]


def table(rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The lines of Markdown; another kind of row begins another table."""
    lines: list[str] = []
    columns: list[str] = []
    for title, row in rows:
        if list(row) != columns:
            columns = list(row)
            lines += ["", f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
        lines.append(f"| {title} | {' | '.join(str(row[column]) for column in columns)} |")
    return lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, if there is anything in it."""
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, ())
        if getattr(report, "when", "") == "call"
    ]
    rows = sorted(rows_of(reports), key=lambda row: (list(row[1]), row[0]))
    if rows:
        terminalreporter.section("figures")
        for line in table(rows):
            terminalreporter.line(line)
