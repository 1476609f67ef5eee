"""Line charts as SVG: two panels with logarithmic sizes, for light and for dark pages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 880, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 28, 92, 34
_GAP = 12
_COLOURS: Final = ("a", "b", "c", "d")

_STYLE = """
  .page { fill: #ffffff; stroke: #d8dee4; }
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .title { font-size: 14px; font-weight: 600; }
  text { fill: #424a53; } .title { fill: #1f2328; }
  .grid { stroke: #d8dee4; stroke-width: 1; }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
  .rival { stroke-dasharray: 2 5; }
  .dot { stroke: none; }
  .line.a { stroke: #0969da; } .dot.a { fill: #0969da; }
  .line.b { stroke: #bc4c00; } .dot.b { fill: #bc4c00; }
  .line.c { stroke: #1a7f37; } .dot.c { fill: #1a7f37; }
  .line.d { stroke: #8250df; } .dot.d { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; }
    text { fill: #b1bac4; } .title { fill: #f0f6fc; }
    .grid { stroke: #30363d; }
    .line.a { stroke: #58a6ff; } .dot.a { fill: #58a6ff; }
    .line.b { stroke: #f0883e; } .dot.b { fill: #f0883e; }
    .line.c { stroke: #3fb950; } .dot.c { fill: #3fb950; }
    .line.d { stroke: #bc8cff; } .dot.d { fill: #bc8cff; }
  }
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line.

    Attributes:
        label: What the legend calls it.
        points: Size, microseconds.
        ours: Solid; a rival's line is dotted.
    """

    label: str
    points: Mapping[int, float]
    ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: at most as many curves as there are colours."""

    title: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True)
class _Axes:
    """Where values are on the page; the vertical axis begins at zero."""

    left: float
    width: float
    sizes: Sequence[int]
    top: float

    def x(self, size: int) -> float:
        first, last = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        return self.left + (math.log10(size) - first) / (last - first) * self.width

    def y(self, value: float) -> float:
        low = HEIGHT - _BOTTOM
        return low - value / self.top * (low - _TOP)


def draw(*panels: Panel) -> str:
    """Draw panels side by side."""
    width = (WIDTH - (_LEFT + _RIGHT) * len(panels) - _GAP * (len(panels) - 1)) / len(panels)
    parts = [
        _panel(panel, _LEFT + index * (width + _LEFT + _RIGHT + _GAP), width)
        for index, panel in enumerate(panels)
    ]
    titles = "; ".join(panel.title for panel in panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        f"<title>{escape(titles)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>\n'
        f"{''.join(parts)}</svg>\n"
    )


def _panel(panel: Panel, left: float, width: float) -> str:
    sizes = sorted({size for curve in panel.curves for size in curve.points})
    step = _step(max(max(curve.points.values()) for curve in panel.curves))
    most = max(max(curve.points.values()) for curve in panel.curves)
    axes = _Axes(left, width, sizes, step * math.ceil(most / step))
    lines = [_text(left, 28, panel.title, kind="title")]
    for tick in range(round(axes.top / step) + 1):
        y = axes.y(tick * step)
        lines.append(f'<path class="grid" d="M{left:.1f} {y:.1f}h{width:.1f}"/>')
        unit = " µs" if tick * step == axes.top else ""
        lines.append(_text(left - 8, y + 4, f"{tick * step:g}{unit}", anchor="end"))
    lines += [_text(axes.x(n), HEIGHT - 12, f"{n:,}", anchor="middle") for n in sizes]
    for index, curve in enumerate(panel.curves):
        lines += _curve(curve, _COLOURS[index], axes)
        lines += _legend(curve, _COLOURS[index], left + index % 2 * width / 2, 50 + index // 2 * 18)
    return "".join(f"{line}\n" for line in lines)


def _step(most: float) -> float:
    """Return a round number of which some four make the axis."""
    rough = most / 4
    scale = 10.0 ** math.floor(math.log10(rough))
    return next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= rough)


def _curve(curve: Curve, colour: str, axes: _Axes) -> list[str]:
    points = [(axes.x(size), axes.y(value)) for size, value in sorted(curve.points.items())]
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dots = [f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points]
    return [f'<path class="line {colour}{_kind(curve)}" d="M{path}"/>', *dots]


def _legend(curve: Curve, colour: str, x: float, y: float) -> list[str]:
    return [
        f'<path class="line {colour}{_kind(curve)}" d="M{x:.1f} {y - 4:.1f}h22"/>',
        _text(x + 30, y, curve.label),
    ]


def _kind(curve: Curve) -> str:
    return "" if curve.ours else " rival"


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )
