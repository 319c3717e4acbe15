"""Charts of lines, as SVG for a page and as pixels for a file; needs nothing but Pillow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image, ImageDraw, ImageFont

COLOURS = ("#3b82f6", "#e8642c", "#1f9d61", "#a855f7", "#b58900", "#0ea5b7", "#e0457b", "#7c8798")
WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40  # margins

Line = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Chart:
    """lines: by name, the values along x and along y; what is not finite is left out."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Line]

    def points(self) -> dict[str, list[tuple[float, float]]]:
        return {
            name: [(x, y) for x, y in zip(*line) if math.isfinite(x) and math.isfinite(y)]
            for name, line in self.lines.items()
        }


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers that enclose low … high: multiples of 1, 2 or 5 times a power of ten."""
    largest = max(abs(low), abs(high))
    span = high - low
    if span <= 1e-9 * largest or largest < 1e-30:  # rounding alone tells them apart
        span = largest if largest >= 1e-30 else 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = 1 - math.floor(math.log10(step))
    return [round(k * step, digits) for k in range(first, max(last, first + 1) + 1)]


class _Frame:
    """Where values lie on the chart."""

    def __init__(self, chart: Chart) -> None:
        every = [point for points in chart.points().values() for point in points] or [(0.0, 0.0)]
        self.x = ticks(min(x for x, _ in every), max(x for x, _ in every))
        self.y = ticks(min(y for _, y in every), max(y for _, y in every))

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[-1] - self.x[0])
        up = (y - self.y[0]) / (self.y[-1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), TOP + (1 - up) * (HEIGHT - TOP - BOTTOM)


def svg(chart: Chart) -> str:
    """A figure of HTML with the drawing and its legend, in the colour of the text around it."""
    frame = _Frame(chart)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(chart.title)}</title>'
        '<g stroke="currentColor" stroke-opacity=".18">'
    ]
    for y in frame.y:
        left, height = frame.at(frame.x[0], y)
        parts.append(f'<path d="M{left:.1f} {height:.1f}H{WIDTH - RIGHT}"/>')
    parts.append('</g><g fill="currentColor" font-size="12">')
    for y in frame.y:
        parts.append(
            f'<text x="{LEFT - 6}" y="{frame.at(frame.x[0], y)[1] + 4:.1f}" '
            f'text-anchor="end">{y:g}</text>'
        )
    for x in frame.x:
        parts.append(
            f'<text x="{frame.at(x, frame.y[0])[0]:.1f}" y="{HEIGHT - BOTTOM + 16}" '
            f'text-anchor="middle">{x:g}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(chart.x)}</text></g>"
    )
    keys = []
    for colour, (name, points) in zip(_colours(chart), chart.points().items()):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in points))
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            'stroke-linejoin="round"/>'
        )
        if len(points) == 1:
            x, y = frame.at(*points[0])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        keys.append(f'<span style="color:{colour}">■</span> {escape(name)}')
    legend = f"{escape(chart.title)}<br>{' &nbsp; '.join(keys)}"
    return f"<figure>{''.join(parts)}</svg><figcaption>{legend}</figcaption></figure>"


def image(chart: Chart, scale: int = 2) -> Image.Image:
    """The same on white, `scale` times 480×330 pixels, RGB."""
    frame, above = _Frame(chart), 30
    page = Image.new("RGB", (WIDTH * scale, (HEIGHT + above) * scale), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(11 * scale)

    def text(x: float, y: float, words: str, anchor: str, colour: str = "#333") -> float:
        draw.text((x * scale, (y + above) * scale), words, colour, font, anchor)
        return draw.textlength(words, font) / scale

    def line(points: list[tuple[float, float]], colour: str, width: int) -> None:
        dots = [(x * scale, (y + above) * scale) for x, y in points]
        if len(dots) == 1:
            x, y = dots[0]
            draw.ellipse((x - 3 * scale, y - 3 * scale, x + 3 * scale, y + 3 * scale), colour)
        draw.line(dots, colour, width, "curve")

    for y in frame.y:
        left, height = frame.at(frame.x[0], y)
        line([(left, height), (WIDTH - RIGHT, height)], "#ddd", scale)
        text(LEFT - 6, height, f"{y:g}", "rm")
    for x in frame.x:
        text(frame.at(x, frame.y[0])[0], HEIGHT - BOTTOM + 12, f"{x:g}", "mm")
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, chart.x, "mm")
    along = 8 + text(8, 18 - above, chart.title, "ls", "black") + 16
    for colour, (name, points) in zip(_colours(chart), chart.points().items()):
        line([frame.at(*point) for point in points], colour, 2 * scale)
        along += text(along, 18 - above, name, "ls", colour) + 12
    return page


def _colours(chart: Chart) -> list[str]:
    return [COLOURS[n % len(COLOURS)] for n in range(len(chart.lines))]
