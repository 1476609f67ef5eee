"""What is written into the README, and what is not."""

from pathlib import Path

import pytest

from tests.benchmarks.compare import README
from tests.benchmarks.table import Figures, markdown, plain, write_between

FIGURES: Figures = {
    "node-ws": {"kB a connection": 8.0, "echo": 10.0, "fan-out to 100": 5.0},
    "uvicorn": {"kB a connection": 19.6, "echo": 25.0, "fan-out to 100": 5.5},
}


@pytest.mark.slow
def test_the_readme_gets_ratios_and_plain_memory() -> None:
    lines = markdown(FIGURES, "node-ws").splitlines()
    assert lines[0] == "| server | echo | fan-out to 100 | kB a connection |"
    assert lines[2:4] == [
        "| bare `ws` on Node | 1.00 | 1.00 | 8 |",
        "| **bytesocket** on uvicorn | 2.50 | 1.10 | 20 |",
    ]
    assert lines[-1].startswith("1.00 is 10.0 µs, 5.0 µs. Taken on 20")


@pytest.mark.slow
def test_a_terminal_gets_microseconds_beside_the_ratios() -> None:
    text = plain(FIGURES, "node-ws")
    assert "25.00 (2.50)" in text
    assert "19.6" in text


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    for _ in range(2):
        write_between(file, "x", "new")
    assert file.read_text() == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"


def test_a_file_without_the_markers_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("nothing\n")
    with pytest.raises(ValueError, match="x: begin"):
        write_between(file, "x", "new")
    assert file.read_text() == "nothing\n"


@pytest.mark.parametrize("name", ["servers", "growth"])
def test_the_readme_has_a_place_for_what_is_measured(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    write_between(copy, name, "measured")
    assert "measured" in copy.read_text()
