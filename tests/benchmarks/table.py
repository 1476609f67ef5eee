"""The comparison as text: plain for a terminal, Markdown for the README."""

from pathlib import Path

from tests.benchmarks.machine import describe
from tests.benchmarks.servers import SERVERS

Figures = dict[str, dict[str, float]]
"""Server, column: microseconds a message, or kB a connection where the column says so."""

MEMORY = "kB a connection"


def plain(figures: Figures, reference: str) -> str:
    """Lay out microseconds, with the ratio to the reference beside them."""
    columns = list(figures[reference])
    lines = [" " * 17 + "".join(f"{column:>20}" for column in columns)]
    for name, row in figures.items():
        cells = [
            f"{value:.2f} ({value / figures[reference][column]:.2f})"
            if column != MEMORY
            else f"{value:.1f}"
            for column, value in row.items()
        ]
        lines.append(f"{name:17}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join([*lines, "", f"{describe()}."])


def markdown(figures: Figures, reference: str) -> str:
    """Lay out the ratios; memory as it is."""
    ones = figures[reference]
    columns = [column for column in ones if column != MEMORY] + [MEMORY]
    lines = [
        f"| server | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, row in figures.items():
        cells = [
            f"{row[column]:.0f}" if column == MEMORY else f"{row[column] / ones[column]:.2f}"
            for column in columns
        ]
        lines.append(f"| {SERVERS[name].label} | {' | '.join(cells)} |")
    one = ", ".join(f"{ones[column]:.1f} µs" for column in columns if column != MEMORY)
    return "\n".join([*lines, "", f"1.00 is {one}. Taken on {describe()}."])


def write_between(file: Path, name: str, text: str) -> None:
    """Replace what stands between a file's two markers of this name.

    Raises:
        ValueError: The file does not have them.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = file.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{file} has no text between {begin} and {end}")
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}")
