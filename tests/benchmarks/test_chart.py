"""The picture in the README is well-formed, and is what was measured."""

from xml.etree import ElementTree as Xml

from tests.benchmarks.chart import HEIGHT, WIDTH, Curve, Panel, draw

SVG = "{http://www.w3.org/2000/svg}"
PANELS = (
    Panel("members", [Curve("a & b", {100: 5.0, 1_000: 6.0}, ours=True)]),
    Panel(
        "rooms", [Curve("c", {1: 90.0, 100: 20.0}, ours=False), Curve("d", {1: 1, 100: 1}, True)]
    ),
)


def drawn() -> Xml.Element:
    return Xml.fromstring(draw(*PANELS))


def test_each_curve_is_a_line_with_its_points_and_its_name() -> None:
    picture = drawn()
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"members", "rooms", "a & b", "c", "d", "100", "1,000", "100 µs"} <= {*texts}
    assert len(list(picture.iter(f"{SVG}circle"))) == 6


def test_a_rival_is_told_from_ours_without_colours() -> None:
    lines = [path.get("class", "") for path in drawn().iter(f"{SVG}path")]
    assert {line for line in lines if "rival" in line} == {"line a rival"}


def test_more_is_higher_and_nothing_leaves_the_page() -> None:
    points = [
        (float(c.get("cx", "")), float(c.get("cy", ""))) for c in drawn().iter(f"{SVG}circle")
    ]
    assert points[0][1] > points[1][1]  # 5 is below 6: a page is measured from its top
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in points)
