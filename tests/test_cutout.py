"""The main job, as a person at the command line and in Python meets it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.cli import main

FACE = (slice(60, 160), slice(190, 270))  # rows and columns of the astronaut's face
WALL = (slice(20, 120), slice(310, 370))


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a JPEG of the astronaut in it."""
    Image.fromarray(photo).save(tmp_path / "photo.jpg", quality=92)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_cut_out(rgba: np.ndarray) -> bool:
    return rgba[FACE][..., 3].mean() > 240 and rgba[WALL][..., 3].mean() < 15


def visible(folder: str) -> list[str]:
    return sorted(p.name for p in Path(folder).iterdir() if not p.name.startswith("."))


def opened(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_python(photo: np.ndarray, photo_path: Path) -> None:
    model = fg.load("pp-humanseg-lite")
    alpha = model(photo_path)
    assert alpha.shape == photo.shape[:2]
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    np.testing.assert_array_equal(alpha, model(photo))
    given = photo.copy()
    assert is_cut_out(fg.cutout(given))
    assert is_cut_out(fg.cutout(Image.fromarray(given)))
    np.testing.assert_array_equal(given, photo)  # it is the caller's
    assert fg.cutout(photo, background="blur").shape == photo.shape
    assert fg.load("pp-humanseg-lite") is model


def test_bytes_to_bytes(folder: Path) -> None:
    """What the command writes, profile and all; in the format that the suffix says."""
    Image.open("photo.jpg").save("dots.jpg", dpi=(72, 72))
    given = Path("dots.jpg").read_bytes()
    assert main(["cutout", "dots.jpg", "-o", "dots.png"]) == 0
    made, written = Image.open(io.BytesIO(fg.cutout_bytes(given))), Image.open("dots.png")
    assert (made.format, made.info) == (written.format, written.info)
    # by another number of threads, so that sums are rounded otherwise
    assert np.abs(np.asarray(made, int) - np.asarray(written, int)).max() <= 2
    shown = Image.open(io.BytesIO(fg.cutout_bytes(given, "jpg", background="white", quality=50)))
    assert (shown.format, shown.mode) == ("JPEG", "RGB")
    with pytest.raises(fg.FiguregroundError, match="JPEG holds no transparency; give a background"):
        fg.cutout_bytes(given, ".jpeg")
    with pytest.raises(fg.FiguregroundError, match="expected one of"):
        fg.cutout_bytes(given, ".psd")
    with pytest.raises(TypeError, match="fether"):
        fg.cutout_bytes(given, fether=3)


def test_photo_of_nothing_is_empty() -> None:
    """No min-max stretch: a flat picture has no full-contrast mask, and min = max divides nothing."""
    for value in (0, 128, 255):
        assert fg.load()(np.full((90, 120, 3), value, np.uint8)).max() < 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (31, 33), (2000, 1500)])
def test_any_size_in_same_size_out(photo: np.ndarray, size: tuple[int, int]) -> None:
    image = Image.fromarray(photo).resize(size)
    assert fg.load()(image).shape == size[::-1]


def test_what_was_transparent_stays_so(photo: np.ndarray) -> None:
    opacity = np.full(photo.shape[:2], 255, np.uint8)
    opacity[:, 256:] = 0
    rgba = fg.cutout(np.dstack([photo, opacity]))
    assert not rgba[:, 256:, 3].any()
    assert rgba[100:150, 200:250, 3].mean() > 200


def test_one_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cutout", "photo.jpg", "-o", "out.png"]) == 0
    assert is_cut_out(opened("out.png"))
    assert "photo.jpg -> out.png" in capsys.readouterr().out


def test_backgrounds_and_mask(folder: Path) -> None:
    assert main(["cutout", "photo.jpg", "-o", "a.jpg", "--background", "#00ff00"]) == 0
    green = opened("a.jpg")[WALL].mean((0, 1))
    assert np.abs(green - (0, 255, 0)).max() < 12
    assert main(["cutout", "photo.jpg", "-o", "b.webp", "--background", "blur"]) == 0
    assert opened("b.webp").shape == (512, 512, 3)
    assert main(["cutout", "photo.jpg", "-o", "c.png", "--background", "a.jpg"]) == 0
    assert main(["cutout", "photo.jpg", "-o", "m.jpg", "--mask"]) == 0
    mask = opened("m.jpg")
    assert mask.ndim == 2
    assert mask[FACE].mean() > 240
    assert mask[WALL].mean() < 15


def test_several_files_go_to_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.open("photo.jpg").save("second.png")
    (folder / "text.jpg").write_text("I am text")
    inputs = ["photo.jpg", "text.jpg", "second.png", "none.jpg"]
    assert main(["cutout", *inputs, "-o", "results", "--json"]) == 1
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["input"] for line in lines] == inputs
    assert ["error" in line for line in lines] == [False, True, False, True]
    assert lines[0]["people"] > 0.1
    assert lines[0]["device"] in ("cpu", "cuda")
    assert "2 of 4 photos done, 2 failed" in said.err
    assert visible("results") == ["photo.png", "second.png"]
    assert is_cut_out(opened("results/second.png"))


def test_standard_input_to_standard_output(folder: Path) -> None:
    command = [sys.executable, "-m", "figureground", "cutout", "-", "-o", "-"]
    content = Path("photo.jpg").read_bytes()
    done = subprocess.run(command, input=content, capture_output=True, check=True)
    assert is_cut_out(np.asarray(Image.open(io.BytesIO(done.stdout))))
    assert done.stderr == b""
    nothing = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert nothing.returncode == 1
    assert nothing.stdout == b""
    assert b"empty (0 bytes)" in nothing.stderr


def test_arguments_after_flags_and_odd_names(folder: Path) -> None:
    os.rename("photo.jpg", "人 photo.jpg")
    Image.open("人 photo.jpg").save("-dash.png")
    assert main(["cutout", "人 photo.jpg", "-o", "results", "--", "-dash.png"]) == 0
    Image.open("-dash.png").save("b.jpg")
    assert main(["cutout", "人 photo.jpg", "-o", "more", "b.jpg"]) == 0
    assert visible("results") == ["-dash.png", "人 photo.png"]
    assert visible("more") == ["b.png", "人 photo.png"]


def test_a_console_that_cannot_show_a_name_stops_nothing(folder: Path) -> None:
    os.rename("photo.jpg", "人.jpg")
    command = [sys.executable, "-m", "figureground", "cutout", "人.jpg", "-o", "out/"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert Path("out/人.png").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_standard_output_that_is_full_closed_or_gone(folder: Path) -> None:
    start = f"{sys.executable} -m figureground"
    for command, said in (
        ("cutout photo.jpg -o - > /dev/full", "cannot write the output (No space left"),
        ("cutout photo.jpg -o a.png > /dev/full", "cannot write the output (No space left"),
        ("cutout photo.jpg -o - >&-", "standard output is closed"),
        ("cutout - -o a.png <&-", "standard input is closed"),
    ):
        environment = {**os.environ, "PYTHONUNBUFFERED": ""}
        done = subprocess.run(
            f"{start} {command}",
            shell=True,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, command
        assert said in done.stderr, command
        assert done.stderr.count("\n") == 1, done.stderr
    subprocess.run(f"{start} models | true", shell=True, check=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_pipes_are_read_and_not_replaced(folder: Path) -> None:
    content = Path("photo.jpg").read_bytes()
    os.mkfifo("pipe.png")
    assert main(["cutout", "photo.jpg", "-o", "pipe.png"]) == 1
    assert Path("pipe.png").is_fifo()
    command = [sys.executable, "-m", "figureground", "cutout", "/dev/stdin", "-o", "a.png"]
    subprocess.run(command, input=content, check=True, capture_output=True)
    assert is_cut_out(opened("a.png"))
    os.symlink("a.png", "link.png")
    assert main(["cutout", "photo.jpg", "-o", "link.png", "--mask"]) == 0
    assert Path("link.png").is_symlink()
    assert opened("a.png").ndim == 2


def test_only_fitting_profiles_are_kept_and_backgrounds_are_srgb(folder: Path) -> None:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.open("photo.jpg").save("lab.jpg", icc_profile=lab)
    assert main(["cutout", "lab.jpg", "-o", "out.png"]) == 0
    assert "icc_profile" not in Image.open("out.png").info
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open("photo.jpg").save("srgb.jpg", icc_profile=srgb)
    assert main(["cutout", "srgb.jpg", "-o", "white.png", "--background", "white"]) == 0
    assert "icc_profile" not in Image.open("white.png").info


def test_colour_profile_is_kept(folder: Path) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open("photo.jpg").save("profiled.jpg", icc_profile=profile)
    assert main(["cutout", "profiled.jpg", "-o", "out.png"]) == 0
    assert Image.open("out.png").info["icc_profile"] == profile


def bad_inputs(folder: Path) -> dict[str, list[str]]:
    """What is said -> the arguments that provoke it."""
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("I am text, whatever my name says\n" * 9)
    content = (folder / "photo.jpg").read_bytes()
    (folder / "short.jpg").write_bytes(content[: len(content) // 3])
    Image.new("1", (30_000, 30_000)).save(folder / "bomb.png")
    (folder / "dir").mkdir(exist_ok=True)
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64)
    (folder / "file").touch()
    out = ["-o", "out.png"]
    return {
        "there is no file none.jpg": ["none.jpg", *out],
        "there are no images in the folder dir": ["dir", *out],
        "empty.jpg is empty (0 bytes)": ["empty.jpg", *out],
        "text.jpg is not an image": ["text.jpg", *out],
        "short.jpg is damaged or cut short": ["short.jpg", *out],
        "more than the limit of 200,000,000": ["bomb.png", *out],
        "cannot write file/out.png": ["photo.jpg", "-o", "file/out.png"],
        "unknown model 'nope'; expected one of": ["photo.jpg", *out, "--model", "nope"],
        "none of: transparent, blur, a colour": ["photo.jpg", *out, "--background", "nope"],
        "suffix '.xyz'; expected one of": ["photo.jpg", "-o", "out.xyz"],
        ".jpg cannot be transparent": ["photo.jpg", "-o", "out.jpg"],
        "is the input; choose another": ["photo.jpg", "-o", "photo.jpg", "--mask"],
        "several inputs would be written to": ["photo.jpg", "dir/photo.jpg", "-o", "results"],
        "do not fit standard output": ["photo.jpg", "photo.jpg", "-o", "-"],
        "need a folder as output; 'one.png' names a file": ["photo.jpg", "b.jpg", "-o", "one.png"],
        "the output is empty": ["photo.jpg", "-o", ""],
        "phone.heic": ["phone.heic", *out],
        "File name too long": ["photo.jpg", "-o", "a" * 300 + ".png"],
        "is an address; download the photo": ["https://example.org/a.jpg", *out],
        "'rgb(999,0,0)' has a part above 255": ["photo.jpg", *out, "--background", "rgb(999,0,0)"],
        "device 'cuda' is not available": ["photo.jpg", *out, "--device", "cuda"],
        "leave --background out": ["photo.jpg", *out, "--mask", "--background", "white"],
        "quality is 0; expected 1 to 100": ["photo.jpg", *out, "--quality", "0"],
    }


@pytest.mark.parametrize("number", range(23))
def test_bad_input_is_one_clear_line(
    folder: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    message, arguments = list(bad_inputs(folder).items())[number]
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    assert main(["cutout", *arguments]) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith("figureground: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_unwritable_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "locked").mkdir(mode=0o500)
    assert main(["cutout", "photo.jpg", "-o", "locked/out.png"]) == 1
    assert "cannot write locked/out.png (Permission denied)" in capsys.readouterr().err


def test_zero_size_and_one_pixel(folder: Path) -> None:
    Image.new("RGB", (1, 1), "red").save("one.png")
    assert main(["cutout", "one.png", "-o", "out.png"]) == 0
    assert opened("out.png").shape == (1, 1, 4)
    with pytest.raises(fg.FiguregroundError, match=r"\(0, 5, 3\); expected HxW"):
        fg.cutout(np.zeros((0, 5, 3), np.uint8))


@pytest.fixture
def tree(folder: Path, photo: np.ndarray, tmp_path: Path) -> Path:
    """Photos in subfolders, two that differ by suffix alone, a broken one, a text, a link in a circle."""
    root = tmp_path / "tree"
    (root / "b" / "c").mkdir(parents=True)
    small = Image.fromarray(photo[::8, ::8])
    for name in ("a.jpg", "a.png", "b/x.jpg", "b/c/x.jpg"):
        small.save(root / name)
    (root / "b" / "broken.jpg").write_bytes(b"no image")
    (root / "notes.txt").write_text("hello")
    (root / "b" / "loop").symlink_to(root)
    return root


@pytest.mark.parametrize("workers", ["1", "2"])
def test_folders_keep_their_tree(
    tree: Path, tmp_path: Path, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tree / "out"  # inside what is searched
    command = ["cutout", str(tree), "-o", str(out), "--workers", workers]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "4 of 5 photos done" in said.err
    assert "broken.jpg" in said.err
    assert "notes.txt" in said.err
    results = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))
    assert results == ["a.jpg.png", "a.png", "b/c/x.png", "b/x.png"]
    first = {p: p.read_bytes() for p in out.rglob("*.png")}
    (out / "b" / "x.png").unlink()
    assert main([*command, "--resume"]) == 1
    assert "1 of 2 photos done, 3 were done before" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in out.rglob("*.png")} == first


def test_folders_without_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cutout", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert "there are no images in the folder" in capsys.readouterr().err
    assert main(["cutout", "a.jpg", "-o", "o.png", "--workers", "-1"]) == 1
    assert "--workers is -1" in capsys.readouterr().err
