"""Which of an alpha is shown, with what edge, in what frame and on what, checked in pixels."""

import inspect
import io
import json
from dataclasses import fields, replace
from math import erf
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic_core import PydanticUndefined

import figureground as fg
from figureground.cli import main
from figureground.cli.cutout import cutout as verb
from figureground.errors import ImageError
from figureground.imaging import compose, morphology, place, png
from figureground.imaging.read import Photo
from figureground.imaging.regions import confidence, kept, people, regions
from figureground.runtime.cutout import find, flat, layers
from figureground.runtime.options import Options
from figureground.serve.options import Cutout

FACE = (slice(60, 160), slice(190, 270))  # rows and columns of the astronaut's face
WALL = (slice(20, 120), slice(310, 370))


def scene() -> np.ndarray:
    """600×800: a large one with a hole on the left, a small one on the right, a speck, a faint haze."""
    alpha = np.full((600, 800), 0.02, np.float32)
    alpha[100:500, 100:300] = 0.98
    alpha[200:240, 150:190] = 0.05
    alpha[300:400, 600:660] = 0.8
    alpha[40:52, 500:512] = 1
    return alpha


def test_regions_of_drawn_masks() -> None:
    rng = np.random.default_rng(0)
    cv2 = pytest.importorskip("cv2")
    for shape in ((1, 1), (1, 9), (9, 1), (40, 57)):
        for share in (0, 0.1, 0.4, 0.6, 1):
            mask = rng.random(shape) < share
            labels, count = regions(mask)
            expected_count, expected = cv2.connectedComponents(mask.astype(np.uint8))
            assert count == expected_count - 1
            pairs = set(zip(labels.ravel().tolist(), expected.ravel().tolist()))
            assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    snake = np.zeros((99, 99), bool)  # one region that only its end joins
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    assert regions(snake)[1] == 1


def test_who_is_there_and_how_sure() -> None:
    alpha = scene()
    found = people(alpha)
    assert [person.confidence for person in found] == [0.98, 0.8]
    for person, box in zip(found, ((100, 100, 300, 500), (600, 300, 660, 400))):
        assert np.abs(np.subtract(person.box, box)).max() <= 4
    assert found[0].share == pytest.approx((400 * 200 - 1600) / 480_000, rel=0.05)
    assert confidence(alpha, found) == 0.98
    empty = np.full((60, 80), 0.3, np.float32)
    assert people(empty) == []
    assert confidence(empty, []) == pytest.approx(0.3, abs=0.001)


def shown(alpha: np.ndarray) -> tuple[bool, bool, bool]:
    """Whether the large one, the small one and the speck are there."""
    return alpha[150, 150] > 0.9, alpha[350, 630] > 0.7, alpha[46, 506] > 0.9


@pytest.mark.parametrize(
    ("keep", "specks", "expected"),
    [
        ("all", 0, (True, True, True)),
        ("all", 0.001, (True, True, False)),
        ("all", 0.1, (True, False, False)),
        ("all", 1, (False, False, False)),
        ("largest", 0, (True, False, False)),
        ("centre", 0, (True, False, False)),
        ("point=630,350", 0, (False, True, False)),
        ("point=505.5,45", 0, (False, False, True)),
        ("point=505.5,45", 0.001, (True, False, False)),
        ("box=550,250,800,600", 0, (False, True, False)),
        ("box=480,0,800,600", 0, (False, True, True)),
        ("box=320,0,480,600", 0, (False, False, False)),
    ],
)
def test_keep(keep: str, specks: float, expected: tuple[bool, ...]) -> None:
    alpha = kept(scene(), keep, specks)
    assert shown(alpha) == expected
    assert alpha.min() >= 0


def test_a_box_cuts_those_who_touch() -> None:
    alpha = kept(scene(), "box=100,100,160,300")  # less than half of the large one
    assert alpha[150, 150] == np.float32(0.98)
    assert alpha[:, 160:].max() == alpha[300:].max() == 0


@pytest.mark.parametrize(
    "keep", ["both", "box=1,2,3", "box=5,5,5,9", "point=a,b", "point=-1,2", "box=1,2,3,nan"]
)
def test_keep_that_means_nothing(keep: str) -> None:
    with pytest.raises(ImageError, match="expected all, largest, centre, box=x0,y0,x1,y1"):
        Options(keep=keep)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("grow", 2.0, "grow is 2.0; expected a whole number of pixels"),
        ("threshold", "0.5", "threshold is '0.5'; expected a number from 0 to 1"),
        ("size", 10, "size is 10; expected text"),
        ("background_position", (0.5, 0.5), "expected text"),
    ],
)
def test_options_of_another_type(name: str, value: object, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        Options(**{name: value})  # type: ignore[arg-type]


def test_keep_outside_the_photo() -> None:
    for keep in ("point=800,10", "box=10,600,20,700"):
        with pytest.raises(ImageError, match="outside the photo of 800x600"):
            kept(scene(), keep)


def test_holes_are_filled_up_to_a_size() -> None:
    alpha = scene()
    hole = 1600 / alpha.size
    assert morphology.shaped(alpha, fill_holes=hole * 1.01)[200:240, 150:190].min() == 1
    assert morphology.shaped(alpha, fill_holes=hole * 0.99)[220, 170] == np.float32(0.05)
    filled = morphology.shaped(alpha, fill_holes=1)
    assert filled[0, 0] == np.float32(0.02)  # what touches the photo's edge is no hole
    ramp = np.clip(np.abs(np.arange(-50, 50)) / 8 - 3, 0, 1)  # a soft rim is filled with it
    soft = np.pad(np.maximum(ramp[:, None], ramp).astype(np.float32), 130, constant_values=1)
    filled = morphology.filled(np.pad(soft, 20), 1)
    assert filled[20:-20, 20:-20].min() == 1
    assert filled[:20].max() == 0


def test_grow_and_shrink_are_discs() -> None:
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 0.7
    y, x = np.mgrid[-20:21, -20:21]
    for radius in (1, 2, 9):
        disc = np.where(y * y + x * x <= radius * radius, np.float32(0.7), 0)
        np.testing.assert_array_equal(morphology.shaped(dot, grow=radius), disc)
    alpha = np.zeros((600, 90), np.float32)
    alpha[:, 30:60] = 1
    shrunk = morphology.shaped(alpha, shrink=4)
    assert shrunk[:, 34:56].min() == 1  # not from the photo's edge
    assert shrunk[:, :34].max() == shrunk[:, 56:].max() == 0
    alpha[:, 44:46] = 0
    near_edge = np.zeros((40, 40), np.float32)
    near_edge[10:37, 10:30] = 1
    for size in (5, 20):  # what would be beyond the photo's edge is not its business
        np.testing.assert_array_equal(
            morphology.shaped(near_edge, grow=size, shrink=size), near_edge
        )
    closed = morphology.shaped(alpha, grow=2, shrink=2)
    assert closed[:, 30:60].min() == 1
    assert closed[:, :30].max() == 0


@pytest.mark.parametrize("deviation", [1.0, 3.0, 8.0, 25.0])
def test_feather_is_a_gaussian(deviation: float) -> None:
    alpha = np.zeros((300, 301), np.float32)
    alpha[:, 150:] = 1
    soft = morphology.shaped(alpha, feather=deviation)
    assert soft.shape == alpha.shape
    x = np.arange(301) - 149.5
    expected = [(1 + erf(v / deviation / 2**0.5)) / 2 for v in x]
    assert np.abs(soft - expected).max() < 0.01


def test_threshold_and_trimap() -> None:
    hard = morphology.shaped(scene(), threshold=0.9)
    assert set(np.unique(hard)) == {0, 1}
    assert hard[350, 630] == 0
    made = morphology.trimap(scene(), 10)
    assert made[300, 115] == 255
    assert (made[300, 91:109] == 128).all()
    assert made[300, 85] == 0
    assert (made[310:390, 610:650] == 128).all()  # 0.8 is not sure anywhere


def test_the_frame() -> None:
    alpha = scene()
    assert place.subject(kept(alpha, "largest")) == (100, 100, 300, 500)
    assert place.subject(alpha[:, :350], 0.5) == (0, 0, 350, 600)  # within the photo
    assert place.subject(kept(alpha, "largest"), 0.1) == (60, 60, 340, 540)
    assert place.subject(np.zeros((9, 9), np.float32)) is None
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    for size, shape in (
        ("", (600, 800)),
        ("400", (300, 400)),
        ("2000", (600, 800)),  # is not enlarged
        ("1000x1000", (1000, 1000)),
        ("300x100", (100, 300)),
        ("1x1", (1, 1)),
    ):
        made, share = place.sized(pixels, alpha, size)
        assert made.shape == (*shape, 3)
        assert share.shape == shape
        assert made.dtype == np.uint8
    wide, share = place.sized(pixels, np.ones_like(alpha), "1000x1000")
    assert share[:125].max() == share[875:].max() == 0
    assert share[125:875].min() > 0.99
    np.testing.assert_array_equal(wide[0], wide[125])  # goes on as at the edge
    for bad in ("x", "12x", "0", "0x5", "40000", "30000x30000", "-5", "5x5x5", "١"):
        with pytest.raises(ImageError, match=r"size"):
            Options(size=bad)


def test_a_picture_behind_fills_or_fits(tmp_path: Path) -> None:
    halves = np.zeros((100, 300, 3), np.uint8)
    halves[:, 150:] = 255
    Image.fromarray(halves).save(tmp_path / "wall.png")
    pixels, alpha = np.zeros((60, 60, 3), np.uint8), np.zeros((60, 60), np.uint8)

    def behind(fit: str, position: str) -> np.ndarray:
        made = compose.background(tmp_path / "wall.png", fit, position)(pixels, alpha)  # type: ignore[arg-type]
        assert made is not None
        assert made.shape == pixels.shape
        return made

    assert behind("fill", "left").max() == 0
    assert behind("fill", "top-right").min() == 255
    assert (behind("fill", "centre")[:, :25].max(), behind("fill", "0.5,0")[:, 35:].min()) == (
        0,
        255,
    )
    whole = behind("fit", "bottom")  # 60×20
    assert whole[42:58, :25].max() == 0
    assert whole[42:58, 35:].min() == 255
    assert 0 < whole[10, 30, 0] < 255  # out of focus above it
    with pytest.raises(ImageError, match="background_position is 'up'; expected centre, left"):
        compose.background(tmp_path / "wall.png", "fill", "up")


def test_a_shadow_darkens_what_is_behind() -> None:
    alpha = np.zeros((200, 300), np.float32)
    alpha[50:120, 100:180] = 1
    photo = Photo(np.full((200, 300, 3), 200, np.uint8))
    white = compose.background("white")
    on_white = flat(layers(photo, alpha, white, Options(shadow=0.5)))
    assert (on_white[60:110, 110:170] == 200).all()
    assert on_white[122, 150, 0] < 170
    assert on_white[50, 90, 0] > on_white[110, 185, 0]  # to the right and down
    assert (on_white[190, 10] == 255).all()
    cut = flat(layers(photo, alpha, options=Options(shadow=0.5)))
    assert (cut[60:110, 110:170] == (200, 200, 200, 255)).all()
    assert (cut[122, 150, :3] == 0).all()
    assert 60 < cut[122, 150, 3] <= 128
    share = cut[:, :, 3:] / 255  # over white, both are the same
    again = cut[:, :, :3] * share + 255 * (1 - share)
    assert np.abs(again - on_white).max() <= 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 1.5}, "threshold is 1.5; expected 0 to 1"),
        ({"threshold": float("nan")}, "threshold is nan; expected 0 to 1"),
        ({"fill_holes": -0.1}, "fill_holes is -0.1; expected 0 to 1"),
        ({"drop_specks": 2}, "drop_specks is 2; expected 0 to 1"),
        ({"shadow": 2}, "shadow is 2; expected 0 to 1"),
        ({"grow": 101}, "grow is 101; expected 0 to 100 pixels"),
        ({"shrink": -1}, "shrink is -1; expected 0 to 100 pixels"),
        ({"feather": 1e9}, "feather is 1e+09; expected 0 to 100 pixels"),
        ({"trimap": 101}, "trimap is 101; expected 0 to 100 pixels"),
        ({"margin": 11, "crop": True}, "margin is 11; expected 0 to 10"),
        ({"margin": 0.1}, "give crop too"),
        ({"depth": 12}, "depth is 12; expected 8 or 16"),
        ({"metadata": "some"}, "metadata is 'some'; expected keep or strip"),
        ({"background_fit": "tile"}, "background_fit is 'tile'; expected fill or fit"),
        ({"mask": True, "trimap": 3}, "ask for one of them at a time"),
    ],
)
def test_ranges_are_checked(options: dict, said: str) -> None:
    with pytest.raises(ImageError) as error:
        Options(**options)
    assert said in str(error.value)


def test_names_and_defaults_are_the_same_everywhere() -> None:
    ours = {field.name: field.default for field in fields(Options)}
    for function in (verb, fg.cutout):
        for name, parameter in inspect.signature(function).parameters.items():
            if name in ours:
                assert parameter.default == ours[name], name
    files = {"quality", "metadata"}  # of no array
    assert set(inspect.signature(fg.cutout).parameters) >= set(ours) - files
    assert set(inspect.signature(verb).parameters) >= set(ours) - {"foreground"}
    served = {name: field.default for name, field in Cutout.model_fields.items()}
    assert set(served) >= set(ours) - {"foreground"}
    for name in set(served) & set(ours):
        assert served[name] == ours[name] is not PydanticUndefined, name


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    Image.fromarray(photo).save(tmp_path / "photo.jpg", quality=92)
    Image.new("RGB", (300, 200), (90, 120, 40)).save(tmp_path / "nobody.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(path: str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_on_the_command_line(folder: Path) -> None:
    arguments = ["--crop", "--margin", "0.02", "--size", "200x300", "--keep", "largest"]
    assert main(["cutout", "photo.jpg", "-o", "a.png", *arguments]) == 0
    cut = opened("a.png")
    assert cut.shape == (300, 200, 4)
    assert cut[:, :, 3].max() == 255
    assert main(["cutout", "photo.jpg", "-o", "t.png", "--trimap", "5"]) == 0
    assert set(np.unique(opened("t.png"))) == {0, 128, 255}
    assert main(["cutout", "photo.jpg", "-o", "h.png", "--mask", "--threshold", "0.5"]) == 0
    assert set(np.unique(opened("h.png"))) == {0, 255}
    assert (
        main(["cutout", "photo.jpg", "-o", "s.jpg", "--background", "white", "--shadow", "0.6"])
        == 0
    )
    assert main(["cutout", "photo.jpg", "-o", "w.png", "--keep", "point=9999,1"]) == 1


def test_nobody_is_a_result_or_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cutout", "nobody.png", "-o", "n.png"]) == 0
    assert "nobody found" in capsys.readouterr().out
    Path("n.png").unlink()
    command = ["cutout", "photo.jpg", "nobody.png", "-o", "out", "--require-person", "--json"]
    assert main(command) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "nobody.png shows nobody (confidence 0.0" in lines[1]["error"]
    assert [path.name for path in Path("out").glob("*.png")] == ["photo.png"]
    assert lines[0]["confidence"] > 0.9
    person = lines[0]["persons"][0]  # the largest
    left, top, right, bottom = person["box"]
    assert left < 200 < 260 < right
    assert top < 60 < 500 < bottom
    assert fg.cutout("nobody.png").shape == (200, 300, 4)
    with pytest.raises(fg.FiguregroundError, match="the photo shows nobody"):
        fg.cutout("nobody.png", require_person=True)


def test_python_has_them_too(photo: np.ndarray) -> None:
    deep = fg.cutout(photo, depth=16, feather=2)
    assert deep.dtype == np.uint16
    assert len(np.unique(deep[:, :, 3])) > 256
    plain = fg.cutout(photo, feather=2)
    assert np.abs(deep[:, :, 3] / 257 - plain[:, :, 3]).max() <= 0.51
    assert (
        deep[:, :, :3][plain[:, :, 3] > 0] == 257 * plain[:, :, :3][plain[:, :, 3] > 0].astype(int)
    ).all()
    assert fg.cutout(photo, size="100", background="blur").shape == (100, 100, 3)
    mask = fg.cutout(photo, mask=True, crop=True)
    assert mask.ndim == 2
    assert mask.shape < photo.shape[:2]
    with pytest.raises(fg.FiguregroundError, match="16 bits is for transparent PNG"):
        fg.cutout(photo, depth=16, background="white")


@pytest.mark.filterwarnings("ignore:Using `httpx`")
def test_the_server_has_them_too(photo: np.ndarray) -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("python_multipart")
    from starlette.testclient import TestClient

    from figureground.serve.app import create
    from figureground.serve.models import Models

    assert Cutout(no_foreground=True, grow=3).asked() == Options(foreground=False, grow=3)
    app = create(Models(["refinenet-people"]), max_pixels=1_000_000)
    content = png.encode(photo[::2, ::2])
    asked = {
        "crop": "true",
        "margin": "0.1",
        "size": "90x120",
        "shrink": "2",
        "keep": "point=99,60",
    }
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.post("/v1/cutout", params=asked, content=content)
        ours = fg.cutout(
            photo[::2, ::2], crop=True, margin=0.1, size="90x120", shrink=2, keep="point=99,60"
        )
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), ours)
        assert float(answer.headers["x-confidence"]) > 0.9
        for wrong, said in (
            ({"size": "5000x5000"}, "more than the limit of 1,000,000"),
            ({"size": "big"}, "expected WIDTHxHEIGHT"),
            ({"keep": "point=999,0"}, "outside the photo of 256x256"),
            ({"grow": "101"}, "less than or equal to 100"),
            ({"mask": "1", "trimap": "2"}, "one of them at a time"),
            ({"depth": "16", "format": "webp"}, "depth of 16 bits"),
            ({"keep": "box=165,0,195,40", "require_person": "1"}, "the photo shows nobody"),
        ):
            refused = client.post("/v1/cutout", params=wrong, content=content)
            assert refused.status_code == 422, wrong
            assert said in refused.json()["error"]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (5, 7)])
def test_everything_at_once_on_odd_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wall.png")
    all_of_it = Options(
        keep="point=0,0",
        drop_specks=0.001,
        fill_holes=0.1,
        grow=3,
        shrink=100,
        feather=30,
        crop=True,
        margin=0.5,
        shadow=1,
    )
    for alpha in (
        rng.random(size, np.float32),
        np.zeros(size, np.float32),
        np.ones(size, np.float32),
    ):
        found = find(Photo(pixels), Fixed(alpha), all_of_it)  # type: ignore[arg-type]
        assert found.alpha.shape == size
        for more in ({}, {"size": "33x20"}, {"size": "2"}, {"depth": 16}, {"mask": True}):
            for spec in ("transparent", "blur", "#123", tmp_path / "wall.png"):
                behind = compose.background(spec, "fit", "bottom-right")
                made = flat(layers(Photo(pixels), found.alpha, behind, replace(all_of_it, **more)))
                if more.get("size") == "33x20":
                    assert made.shape[:2] == (20, 33)
                assert min(made.shape) > 0
        assert flat(layers(Photo(pixels), found.alpha, options=Options(trimap=100))).shape == size


class Fixed:
    """A predictor that answers what it was made with."""

    def __init__(self, alpha: np.ndarray) -> None:
        self.of = lambda photo: alpha
