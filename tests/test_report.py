"""The page of `evaluate --report`: whole, alone, and with the right examples; the charts on it."""

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground.cli import main
from figureground.data import IGNORE
from figureground.evaluation import Evaluation
from figureground.evaluation.chart import COLOURS, Chart, image, svg, ticks
from figureground.evaluation.pictures import coloured, grey, ranked, side_by_side
from figureground.evaluation.report import best_and_worst, page
from figureground.evaluation.thresholds import Thresholds
from figureground.training import curves

ALONE = {"img", "meta", "br"}  # have no end


class Reader(HTMLParser):
    """Checks that what is opened is closed; keeps pictures, headings and the points of curves."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.pictures: list[tuple[str, Image.Image]] = []
        self.points: list[int] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        assert "href" not in given
        if tag == "img":
            head, data = str(given["src"]).split(",", 1)
            assert head == "data:image/jpeg;base64"
            picture = Image.open(io.BytesIO(b64decode(data)))
            picture.load()
            self.pictures.append((str(given["alt"]), picture))
        if tag == "polyline":
            self.points.append(len(str(given["points"]).split()))
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def read(file: Path) -> Reader:
    text = file.read_text(encoding="utf-8")
    bare = re.sub('base64,[^"]*', "", text)
    assert not re.search(r"https?:|//|@import|url\(|<script|<link", bare)
    assert 'content="width=device-width' in text
    assert "color-scheme: light dark" in text
    return Reader(text)


def test_people(people_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "report.html"
    options = ["--root", str(people_folder), "--report", str(file)]
    assert main(["evaluate", "pp-humanseg-lite", *options]) == 0
    assert str(file) in capsys.readouterr().out
    found = read(file)
    assert found.headings == [
        "pp-humanseg-lite",
        "Figures",
        "Curves",
        "Worst by iou",
        "Best by iou",
    ]
    assert len({name for name, _ in found.pictures}) == len(found.pictures) == 3  # none twice
    assert found.points == [255, 255, 255, 255, 3]
    assert main(["evaluate", "pp-humanseg-lite", *options, "--json"]) == 0
    assert "mean_iou" in json.loads(capsys.readouterr().out)


def test_nobody(people_folder: Path, tmp_path: Path) -> None:
    options = ["--root", str(people_folder.parent), "--data", "nobody"]
    assert main(["evaluate", "pp-humanseg-lite", *options, "--report", f"{tmp_path}/r.html"]) == 0
    assert len(read(tmp_path / "r.html").pictures) == 1


def test_persons(persons_folder: Path, tmp_path: Path) -> None:
    options = ["--root", str(persons_folder), "--data", "market1501"]
    assert main(["evaluate", "osnet-x0.25", *options, "--report", f"{tmp_path}/r.html"]) == 0
    found = read(tmp_path / "r.html")
    assert found.headings[-2:] == ["Worst by ap", "Best by ap"]
    assert len(found.pictures) == 12  # all queries
    assert found.points[0] == 13  # places in the gallery


def test_another_suffix_is_refused(
    people_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--root", str(people_folder), "--report", str(tmp_path / "report.pdf")]
    assert main(["evaluate", "pp-humanseg-lite", *options]) == 1
    assert "expected a name that ends with .html" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_names_are_escaped() -> None:
    picture = Image.new("RGB", (9, 9))
    names = ['<b>&"', "b"]
    evaluation = Evaluation({"a<": 1.0}, "s<", [0.1, float("nan")], names, lambda n: picture)
    found = Reader(page("t<&", "w<", evaluation))
    assert [name for name, _ in found.pictures] == ['<b>&"']


def test_best_and_worst() -> None:
    scores = [0.8, 0.1, float("nan"), 0.9, 0.5, 0.2]
    assert best_and_worst(scores, False, 12) == ([3, 0, 4], [1, 5])
    assert best_and_worst(scores, True, 12) == ([1, 5, 4], [3, 0])
    assert best_and_worst(scores, False, 1) == ([3], [1])
    assert best_and_worst([0.5], False, 12) == ([0], [])
    assert best_and_worst([], False, 12) == ([], [])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.31, 0.33, [0.31, 0.315, 0.32, 0.325, 0.33]),
        (0, 20000, [0, 5000, 10000, 15000, 20000]),
        (-3, 4, [-4, -2, 0, 2, 4]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 1e12, 5 / 6])
def test_ticks_of_one_value(value: float) -> None:
    for high in (value, np.nextafter(value, np.inf)):  # or of two that rounding alone tells apart
        found = ticks(value, high)
        assert found[0] <= value <= found[-1]
        assert len(set(found)) == len(found) > 1
    assert len(set(ticks(0, 1e-13))) > 1


def test_charts_show_their_lines() -> None:
    chart = Chart("Loss <b>", "step", "", {"a": ([0, 1, 2], [1, float("nan"), 3]), "b": ([1], [2])})
    assert Reader(svg(chart)).points == [2, 1]
    drawn = np.asarray(image(chart))
    for colour in COLOURS[:2]:
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (drawn == rgb).all(axis=2).sum() > 20
    assert Reader(svg(Chart("nothing", "", "", {}))).points == []


def test_curves_of_a_run_that_was_gone_on_with(tmp_path: Path) -> None:
    """What the second part says of steps that the first one reached too counts."""
    for number, rows in enumerate(["1,,9\n2,.5,\n3,,7", "3,,5\n4,.7,\n4,,3"]):
        folder = tmp_path / "curves" / f"version_{number}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(f"step,val/miou,loss\n{rows}\n")
    learning, validation = curves.charts(tmp_path)
    assert learning.lines == {"loss": ([1, 3, 4], [9, 5, 3])}
    assert validation.lines == {"miou": ([2, 4], [0.5, 0.7])}
    drawn = curves.draw(tmp_path)
    assert drawn is not None
    assert drawn.size == (960, 2 * 660)
    assert curves.draw(tmp_path / "none") is None


@pytest.mark.parametrize("per_image", [False, True])
def test_thresholds_by_definition(per_image: bool) -> None:
    rng = np.random.default_rng(0)
    cuts = Thresholds(per_image)
    images = []
    for _ in range(3):
        alpha, truth = rng.random((20, 30)), rng.random((20, 30)) < 0.3
        valid = rng.random((20, 30)) < 0.9
        images.append((np.rint(alpha * 255)[valid], truth[valid]))
        cuts.update(alpha, truth, valid)
    level = 102
    hits = [((a >= level) & t).sum() for a, t in images]
    taken, true = [(a >= level).sum() for a, _ in images], [t.sum() for _, t in images]
    precision, recall = sum(hits) / sum(taken), sum(hits) / sum(true)
    if per_image:
        precision = np.mean([h / n for h, n in zip(hits, taken)])
        recall = np.mean([h / n for h, n in zip(hits, true)])
    lines = cuts.charts()[0].lines
    assert lines["precision"][1][level - 1] == pytest.approx(precision)
    assert lines["recall"][1][level - 1] == pytest.approx(recall)
    if not per_image:
        iou = sum(hits) / (sum(taken) + sum(true) - sum(hits))
        assert lines["IoU"][1][level - 1] == pytest.approx(iou)


def test_pictures() -> None:
    photo = np.full((100, 50, 3), 60, np.uint8)
    mask = np.zeros((100, 50), np.uint8)
    mask[:50], mask[50:60] = 1, IGNORE
    assert grey(mask)[:, 0, 0].tolist() == [255] * 50 + [128] * 10 + [0] * 40
    assert grey(np.float32([[0, 0.5, 1.5]]))[0, :, 0].tolist() == [0, 128, 255]
    shown = coloured(photo, mask)
    assert (shown[50:] == photo[50:]).all()
    assert (shown[:50] != photo[:50]).any()
    row = side_by_side(photo, grey(mask))
    assert row.size == (244, 240)
    assert row.getpixel((200, 10)) == (255, 255, 255)
    found = ranked(photo, [(photo, True), (photo, False)])
    corners = [found.getpixel((x, 0)) for x in (0, 72, 144)]
    assert corners == [(59, 130, 246), (31, 157, 97), (224, 69, 123)]
