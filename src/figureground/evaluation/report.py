"""A report as one HTML file with everything in it: figures, curves, the best and the worst as pictures."""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from figureground.evaluation import Evaluation, progress
from figureground.evaluation.chart import Chart, svg

SHOWN = 12
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; padding: 1rem; max-width: 72rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2.5rem }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)) }
.scroll { overflow-x: auto } table { border-collapse: collapse }
th, td { padding: .2rem 1rem .2rem 0; text-align: left; border-bottom: 1px solid #8884 }
td { font-variant-numeric: tabular-nums }
figure { margin: 0 } svg { width: 100%; height: auto } figure img { max-width: 100%; border-radius: 4px }
figcaption { font-size: .85rem; overflow-wrap: anywhere }
"""


def page(title: str, where: str, evaluation: Evaluation, training: Sequence[Chart] = ()) -> str:
    """The report as HTML.

    where: what was measured on what. training: curves of the run. Asks the model again for the pictures of
    the best and the worst examples, up to 12 each and none twice.
    """
    found = {name: {"": value} for name, value in evaluation.figures.items()}
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(where)}</p>"]
    parts += ["<h2>Figures</h2>", _table(found)]
    if evaluation.classes:
        parts += ["<h2>Classes</h2>", _table(evaluation.classes)]
    parts += ["<h2>Curves</h2>", _grid(svg(c) for c in [*evaluation.charts, _ordered(evaluation)])]
    if training:
        parts += ["<h2>Training</h2>", _grid(svg(chart) for chart in training)]
    best, worst = best_and_worst(evaluation.scores, evaluation.smaller, SHOWN)
    chosen = [("Worst", worst), ("Best", best)]
    drawn = {n: _example(evaluation, n) for n in progress([*worst, *best])}
    for word, numbers in chosen:
        if numbers:
            parts.append(f"<h2>{word} by {escape(evaluation.score)}</h2>")
            parts.append(f"<p>{escape(evaluation.legend)}</p>")
            parts.append(_grid(drawn[n] for n in numbers))
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def best_and_worst(
    scores: Sequence[float], smaller: bool, count: int
) -> tuple[list[int], list[int]]:
    """Numbers of the best examples, the best first, and of the worst, the worst first; none in both, and
    none whose score is NaN."""
    order = [n for n in range(len(scores)) if not math.isnan(scores[n])]
    order.sort(key=lambda n: scores[n], reverse=not smaller)
    worst = order[::-1][: min(count, len(order) // 2)]
    return order[: min(count, len(order) - len(worst))], worst


def _ordered(evaluation: Evaluation) -> Chart:
    """The scores of all examples from the worst to the best, 200 of them at most."""
    scores = [score for score in evaluation.scores if not math.isnan(score)]
    scores.sort(reverse=evaluation.smaller)
    shown = range(0, len(scores), math.ceil(len(scores) / 200) or 1)
    share = [100 * (n + 0.5) / len(scores) for n in shown]
    line = share, [scores[n] for n in shown]
    title = f"Examples from the worst to the best {evaluation.score}"
    return Chart(title, "% of the examples", "", {evaluation.score: line})


def _table(rows: dict[str, dict[str, float]]) -> str:
    """Rows by name; columns by theirs, which may be empty."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    head = "".join(f"<th>{escape(column)}</th>" for column in ["", *columns])
    lines = [f"<tr>{head}</tr>"] if any(columns) else []
    for name, row in rows.items():
        cells = "".join(f"<td>{_number(row[column])}</td>" for column in columns)
        lines.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "–" if math.isnan(value) else f"{value:.4f}"


def _grid(figures: Iterable[str]) -> str:
    return f'<div class="grid">{"".join(figures)}</div>'


def _example(evaluation: Evaluation, number: int) -> str:
    buffer = io.BytesIO()
    evaluation.draw(number).save(buffer, "JPEG", quality=80)
    data = b64encode(buffer.getvalue()).decode()
    name, score = escape(evaluation.names[number]), evaluation.scores[number]
    return (
        f'<figure><img alt="{name}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{score:.4f} · {name}</figcaption></figure>"
    )
