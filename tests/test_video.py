"""Video in, video out: the same frames at the same times, the same sound, another background."""

import errno
import hashlib
import io
import json
import signal
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import cv2
import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.cli import main
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.prepare import Input
from figureground.video.ahead import ahead
from figureground.video.live import Camera
from figureground.video.steady import Steady
from figureground.video.write import Writer

UNEVEN = [0, 33, 66, 133, 140, 200, 260, 261, 300, 400, 433, 500]  # milliseconds
EVEN = list(range(0, 480, 40))


class Red:
    """A network that takes whatever is red for a person."""

    device = "cpu"

    def run(self, images: np.ndarray) -> np.ndarray:
        person = (images[:, :1] - images[:, 2:]) * 8
        return np.concatenate([-person, person], 1)

    def fixed(self, shape: tuple[int, int, int]) -> Self:
        return self


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, where the network knows red."""
    monkeypatch.chdir(tmp_path)

    def red(model: str, edges: str, device: str, threads: int) -> AlphaPredictor:
        return AlphaPredictor(Red(), Input(32, 32), "red", edges=edges)

    monkeypatch.setattr("figureground.video.people.load_alpha", red)
    return tmp_path


def drawn(number: int, width: int, height: int) -> np.ndarray:
    """A red square that moves right on blue."""
    pixels = np.full((height, width, 3), (20, 30, 200), np.uint8)
    pixels[height // 4 : 3 * height // 4, 4 + 2 * number : 20 + 2 * number] = (220, 20, 30)
    return pixels


def clip(
    path: str,
    times: Sequence[int] = EVEN,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    format: str = "yuv420p",
    rotation: int = 0,
    audio: str = "",
    matrix: Sequence[int] = (),
) -> str:
    """Frames at `times` (ms), with B-frames, and a tone where an audio codec is named."""
    faststart = {"movflags": "faststart"} if path.endswith(".mp4") else {}
    with av.open(path, "w", options=faststart) as container:
        options = {"bf": "2", "g": "6"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, format
        base = Fraction(1, 100 if codec == "gif" else 1000)
        stream.time_base = stream.codec_context.time_base = base
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix:
            stream.set_display_matrix(matrix)
        tone = container.add_stream(audio, rate=48000) if audio else None
        if tone is not None:
            wave = np.sin(np.arange(48 * (times[-1] + 40)) / 17).astype(np.float32)
            for start in range(0, len(wave), 960):
                sound = av.AudioFrame.from_ndarray(wave[None, start : start + 960], "fltp", "mono")
                sound.sample_rate, sound.pts = 48000, start
                container.mux(tone.encode(sound))
            container.mux(tone.encode(None))
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(drawn(number, *size)).reformat(format=format)
            frame.pts, frame.time_base = round(time / 1000 / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def shown(path: str) -> tuple[list[float], list[np.ndarray]]:
    times, frames = zip(*fg.video.frames(path))
    return [round(time, 3) for time in times], list(frames)


def alphas(path: str) -> list[np.ndarray]:
    """The alpha of a WebM or Matroska file, which FFmpeg's own VP9 decoder drops."""
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    with av.open(path) as container:
        packets = list(container.demux(video=0))
    pictures = [picture for packet in packets for picture in decoder.decode(packet)]
    return [picture.to_ndarray(format="rgba")[:, :, 3] for picture in pictures]


def sound(path: str) -> list[tuple[int, str]]:
    """Time (ms) and hash of each packet of audio."""
    with av.open(path) as container:
        return [
            (round(packet.pts * packet.time_base * 1000), hashlib.sha256(bytes(packet)).hexdigest())
            for packet in container.demux(audio=0)
            if packet.dts is not None
        ]


def is_on_green(frames: list[np.ndarray]) -> bool:
    height = len(frames[0])
    return all(
        np.abs(frame[2, -2].astype(int) - (0, 255, 0)).max() < 30
        and frame[height // 2, 12 + 2 * number].astype(int) @ (1, -1, -1) > 60
        for number, frame in enumerate(frames)
    )


@pytest.mark.parametrize("times", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mov", "out.mkv"])
def test_same_times_and_sound(folder: Path, target: str, times: list[int]) -> None:
    clip("in.mp4", times, audio="aac")
    assert main(["video", "in.mp4", "-o", target, "--background", "#00ff00"]) == 0
    before, after = shown("in.mp4"), shown(target)
    shift = after[0][0] - before[0][0]  # Matroska has no times below 0: all streams move together
    assert [round(time - shift, 3) for time in after[0]] == before[0]
    assert is_on_green(after[1])
    heard = [(time - round(1000 * shift), digest) for time, digest in sound(target)]
    assert [digest for _, digest in heard] == [digest for _, digest in sound("in.mp4")]
    assert all(abs(a[0] - b[0]) <= 1 for a, b in zip(heard, sound("in.mp4")))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_subtitles_are_copied(folder: Path) -> None:
    Path("in.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nHallo\n\n")
    clip("picture.mp4")
    with (
        av.open("in.srt") as words,
        av.open("picture.mp4") as picture,
        av.open("in.mkv", "w") as out,
    ):
        for source in (picture.streams.video[0], words.streams.subtitles[0]):
            copy = out.add_stream_from_template(source)
            copy.time_base = source.time_base
        for source, copy in zip((picture, words), out.streams):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = copy
                    out.mux(packet)
    done = fg.video.replace_background("in.mkv", "out.mkv", background="white")
    assert done.copied == ["subtitle subrip"]
    with av.open("out.mkv") as container:
        (packet,) = [p for p in container.demux(subtitles=0) if p.dts is not None]
        assert bytes(packet) == b"Hallo"
        assert packet.pts * packet.time_base == Fraction(1, 10)


def test_last_frame_lasts_as_long(folder: Path) -> None:
    clip("in.mp4", UNEVEN)
    fg.video.replace_background("in.mp4", "out.mp4", background="white")
    with av.open("in.mp4") as a, av.open("out.mp4") as b:
        assert abs(a.duration - b.duration) <= 1000


def test_alpha_in_webm(folder: Path) -> None:
    clip("in.webm", UNEVEN, codec="libvpx-vp9", audio="libopus")
    assert main(["video", "in.webm", "-o", "out.webm", "--background", "transparent"]) == 0
    assert shown("out.webm")[0] == shown("in.webm")[0]
    assert [h for _, h in sound("out.webm")] == [h for _, h in sound("in.webm")]
    for number, alpha in enumerate(alphas("out.webm")):
        assert alpha[24, 12 + 2 * number] > 200
        assert alpha[2, -2] < 20
    clip("aac.mp4", audio="aac")
    assert main(["video", "aac.mp4", "-o", "out.mkv", "--background", "transparent"]) == 0
    assert alphas("out.mkv")[3][24, 18] > 200
    assert len(sound("out.mkv")) == len(sound("aac.mp4"))


def test_alpha_in_prores(folder: Path) -> None:
    clip("in.mp4", UNEVEN, audio="aac")
    assert main(["video", "in.mp4", "-o", "out.mov", "--background", "transparent"]) == 0
    with av.open("out.mov") as container:
        pictures = list(container.decode(video=0))
    assert pictures[0].format.name.startswith("yuva444")
    assert [round(p.time, 3) for p in pictures] == shown("in.mp4")[0]
    for number, picture in enumerate(pictures):
        alpha = picture.to_ndarray(format="rgba")[:, :, 3]
        assert alpha[24, 12 + 2 * number] > 200
        assert alpha[2, -2] < 20
    assert sound("out.mov") == sound("in.mp4")


def test_gif_in_and_out(folder: Path) -> None:
    clip("in.gif", EVEN, codec="gif", format="rgb8")
    assert main(["video", "in.gif", "-o", "out.gif", "--background", "transparent"]) == 0
    assert shown("out.gif")[0] == shown("in.gif")[0]
    with av.open("out.gif") as container:
        pictures = [picture.to_ndarray(format="rgba") for picture in container.decode(video=0)]
    for number, picture in enumerate(pictures):
        assert picture[24, 12 + 2 * number, 3] == 255
        assert picture[2, -2, 3] == 0
    assert main(["video", "in.gif", "-o", "out.mp4", "--background", "#00ff00"]) == 0
    assert is_on_green(shown("out.mp4")[1])
    assert main(["video", "out.gif", "-o", "twice.gif", "--background", "#00ff00"]) == 0
    assert is_on_green(shown("twice.gif")[1])


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (16, 16), (2, 2)])
def test_odd_and_tiny_sizes(folder: Path, size: tuple[int, int]) -> None:
    clip("in.mkv", EVEN[:4], size, codec="ffv1", format="bgr0")
    for target, wanted in (
        ("out.mp4", tuple(side + side % 2 for side in size)),  # H.264 has even sizes only
        ("out.webm", size),
        ("out.gif", size),
    ):
        assert main(["video", "in.mkv", "-o", target, "--background", "white"]) == 0
        assert [frame.shape[1::-1] for frame in shown(target)[1]] == [wanted] * 4


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_rotated_comes_out_upright(folder: Path, turn: int) -> None:
    clip("in.mp4", EVEN[:5], rotation=turn)
    assert main(["video", "in.mp4", "-o", "out.mp4", "--mask"]) == 0
    with av.open("out.mp4") as container:
        pictures = list(container.decode(video=0))
    assert {picture.rotation for picture in pictures} == {0}
    truth = np.rot90(drawn(4, 64, 48)[:, :, 0] > 128, turn // 90)
    assert pictures[4].to_ndarray(format="gray").shape == truth.shape
    assert ((pictures[4].to_ndarray(format="gray") > 128) != truth).mean() < 0.06


@pytest.mark.parametrize(
    ("matrix", "seen"),
    [
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), lambda plane: plane.T),
        ((0, -1, -1, 0), lambda plane: plane[::-1, ::-1].T),
    ],
)
def test_mirrored_comes_out_mirrored(
    folder: Path,
    matrix: tuple[int, ...],
    seen: Callable[[np.ndarray], np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b, c, d = (65536 * side for side in matrix)
    clip("in.mp4", EVEN[:5], matrix=[a, b, 0, c, d, 0, 0, 0, 1 << 30])
    assert main(["video", "in.mp4", "-o", "out.mp4", "--mask"]) == 0
    truth = seen(drawn(4, 64, 48)[:, :, 0] > 128)
    assert shown("in.mp4")[1][4].shape[:2] == truth.shape
    assert ((shown("in.mp4")[1][4][:, :, 0] > 128) != truth).mean() < 0.06
    assert ((shown("out.mp4")[1][4][:, :, 0] > 128) != truth).mean() < 0.06


def test_colours_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Range, matrix and primaries are the input's, so that what is kept has the colours it had."""
    for format, colourspace in (("yuv420p", 1), ("yuvj420p", 5), ("yuv444p", 6)):
        with av.open("in.mkv", "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, format
            stream.codec_context.colorspace = colourspace
            stream.codec_context.color_primaries = stream.codec_context.color_trc = colourspace
            frame = av.VideoFrame.from_ndarray(drawn(0, 64, 48)).reformat(
                format=format, dst_colorspace=1 if colourspace == 1 else 5
            )
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        fg.video.replace_background("in.mkv", "out.mp4", background="white", crf=1)
        before, after = shown("in.mkv")[1][0], shown("out.mp4")[1][0]
        np.testing.assert_allclose(before[24, 12], (220, 20, 30), atol=6)
        np.testing.assert_allclose(after[24, 12], before[24, 12], atol=6)
        with av.open("in.mkv") as a, av.open("out.mp4") as b:
            a, b = a.streams.video[0].codec_context, b.streams.video[0].codec_context
            assert (a.colorspace, a.color_primaries, a.color_trc) == (
                b.colorspace,
                b.color_primaries,
                b.color_trc,
            )
            assert (a.color_range == 2) == (b.color_range == 2)


def test_video_behind_loops_at_its_own_rate(folder: Path) -> None:
    clip("in.mp4", EVEN)
    with av.open("back.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=10)  # 2 frames of 100 ms: white, black
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for value in (255, 0):
            grey = np.full((32, 32, 3), value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey)))
        container.mux(stream.encode(None))
    assert main(["video", "in.mp4", "-o", "out.mp4", "--background", "back.mp4"]) == 0
    times, frames = shown("out.mp4")
    corner = [frame[2, -2].mean() > 128 for frame in frames]
    assert corner == [int(time / 0.1 + 1e-6) % 2 == 0 for time in times]


def test_mask_blur_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip("in.mp4", audio="aac")
    for flags in (["--mask"], ["--background", "blur", "--edges", "fast", "--steady", "none"]):
        assert main(["video", "in.mp4", "-o", "out.webm", "--json", *flags]) == 0
        line = json.loads(capsys.readouterr().out)
        assert (line["frames"], line["width"], line["height"]) == (12, 64, 48)
        assert line["left_out"] == ["audio aac"]
        assert 0.05 < line["people"] < 0.5
        assert abs(line["seconds"] - 0.48) < 0.002


def test_size_stays_near_the_inputs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with av.open("in.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "40"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(125):
            noise = rng.integers(0, 255, (120, 160, 3), np.uint8)
            noise[:, :, 0] = 255  # all of it is a person
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise)))
        container.mux(stream.encode(None))
    fg.video.replace_background("in.mp4", "out.mp4", background="white")
    small = Path("out.mp4").stat().st_size
    assert small < 1.6 * Path("in.mp4").stat().st_size
    fg.video.replace_background("in.mp4", "out.mp4", background="white", crf=10)
    assert Path("out.mp4").stat().st_size > small


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_from_and_to(folder: Path, target: str) -> None:
    clip("in.mp4", list(range(0, 2000, 40)), audio="aac")
    assert main(["video", "in.mp4", "-o", target, "--from", "0.5", "--to", "0:01.3", "--mask"]) == 0
    times = shown(target)[0]
    wanted = [(t - 500) / 1000 for t in range(520, 1300, 40)]
    np.testing.assert_allclose(np.subtract(times, times[0]), np.subtract(wanted, 0.02), atol=0.0011)
    heard = [time for time, _ in sound(target)]
    assert 0 <= heard[0] < 30
    assert 740 < heard[-1] < 800
    for wrong in (
        ["--from", "9"],
        ["--from", "1", "--to", "0.5"],
        ["--from", "x"],
        ["--to", "nan"],
    ):
        assert main(["video", "in.mp4", "-o", "no.mp4", *wrong]) == 1
    assert not Path("no.mp4").exists()


def pictures(path: str) -> tuple[list[float], list[np.ndarray]]:
    """Times and RGBA frames of an animated WebP."""
    with Image.open(path) as image:
        frames, times, now = [], [], 0
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGBA")))
            times.append(now / 1000)
            now += image.info["duration"]
    return times, frames


def test_animated_webp(folder: Path) -> None:
    clip("in.mp4", UNEVEN)
    assert main(["video", "in.mp4", "-o", "out.webp", "--background", "transparent"]) == 0
    times, frames = pictures("out.webp")
    with av.open("in.mp4") as container:
        last = list(container.decode(video=0))[-1]
    with Image.open("out.webp") as image:
        assert image.info["loop"] == 0  # for ever
        image.seek(image.n_frames - 1)
        image.load()
        assert image.info["duration"] == pytest.approx(1000 * last.duration * last.time_base, abs=1)
    np.testing.assert_allclose(times, shown("in.mp4")[0], atol=0.0011)
    for number, frame in enumerate(frames):
        assert frame[24, 12 + 2 * number, 3] == 255
        assert frame[2, -2, 3] == 0


def test_png_sequence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip("in.mp4", UNEVEN)
    arguments = ["video", "in.mp4", "-o", "new/frames/%03d.png", "--background", "transparent"]
    assert main(arguments) == 0
    files = sorted(Path("new/frames").glob("*.png"))
    assert [file.name for file in files] == [f"{n:03}.png" for n in range(1, 13)]
    for number, file in enumerate(files):
        alpha = np.asarray(Image.open(file))[:, :, 3]
        assert alpha[24, 12 + 2 * number] > 200
        assert alpha[2, -2] == 0
    with av.open("new/frames/frames.ffconcat") as container:
        times = [
            packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size
        ]
    np.testing.assert_allclose([float(t) for t in times], shown("in.mp4")[0], atol=0.041)
    assert main(arguments) == 1
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("transparent", [False, True])
def test_raw_frames_through_pipes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, transparent: bool
) -> None:
    """What a camera gives and a screen takes: each answer comes before the next question."""
    frames = np.stack([drawn(number, 64, 48) for number in range(8)])
    given, got = io.BytesIO(frames.tobytes()), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(got))
    background = "transparent" if transparent else "#00ff00"
    how = ["--raw-size", "64x48", "--background", background]
    assert main(["video", "-", "-o", "-", *how]) == 0
    answers = np.frombuffer(got.getvalue(), np.uint8).reshape(8, 48, 64, 3 + transparent)
    if transparent:
        np.testing.assert_array_equal(answers[:4, 24, 14, :3], frames[:4, 24, 14])
        assert answers[:, 2, 62].max() == 0
    else:
        assert is_on_green(list(answers))
    given.seek(0)
    assert main(["video", "-", "-o", "out.mp4", *how[:2], "--raw-rate", "10", "--mask"]) == 0
    assert shown("out.mp4")[0] == [n / 10 for n in range(8)]


@pytest.fixture
def devices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the place of a camera, and of a virtual one."""
    files = {"/dev/video0": clip("camera.mp4"), "/dev/video9": "seen.yuv"}
    open_file = av.open

    def open_device(path: str, mode: str = "r", **options: object) -> object:
        if options.get("format") != "v4l2":
            return open_file(path, mode, **options)
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return open_file(files[path], mode, format="rawvideo" if mode == "w" else "mp4")

    monkeypatch.setattr(av, "open", open_device)


def test_a_camera_gives_its_newest_frame(devices: None) -> None:
    with Camera("/dev/video0") as camera:
        camera._thread.join()  # so long does the first frame take
        numbers = [camera.first.number, *(frame.number for frame in camera)]
    assert numbers[-1] == 11
    assert len(numbers) <= 3


def test_camera_to_virtual_camera(devices: None) -> None:
    assert main(["video", "/dev/video0", "-o", "/dev/video9", "--background", "#00ff00"]) == 0
    sizes = 64 * 48 * 3 // 2
    seen = np.frombuffer(Path("seen.yuv").read_bytes(), np.uint8).reshape(-1, sizes)
    assert 1 <= len(seen) <= 12
    picture = av.VideoFrame.from_ndarray(seen[-1].reshape(72, 64), "yuv420p")
    pixels = picture.to_ndarray(format="rgb24").astype(int)
    assert np.abs(pixels[2, 2] - (0, 255, 0)).max() < 30
    assert (pixels[24] @ (1, -1, -1)).max() > 60  # somebody is there
    assert main(["video", "/dev/video0", "-o", "out.mp4", "--mask"]) == 0
    assert 1 <= len(shown("out.mp4")[0]) <= 12


def test_bad_devices(devices: None, capsys: pytest.CaptureFixture[str]) -> None:
    for source, target, flags, said in (
        ("/dev/video5", "out.mp4", [], "cannot be opened as a camera (No such file"),
        ("/dev/video0", "/dev/video5", [], "v4l2loopback"),
        ("/dev/video0", "/dev/video9", ["--background", "transparent"], "no transparency"),
    ):
        assert main(["video", source, "-o", target, *flags]) == 1
        assert said in capsys.readouterr().err


def test_bad_raw_frames(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content, flags, said in (
        (b"", ["--raw-size", "8x8"], "before the first frame"),
        (b"1" * 300, ["--raw-size", "8x8"], "after 1 frames and 108 bytes"),
        (b"1", [], "--raw-size 1280x720"),
        (b"1", ["--raw-size", "8"], "WIDTHxHEIGHT"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["video", "-", "-o", "out.mp4", *flags]) == 1
        assert said in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_alphas_of_a_video(folder: Path) -> None:
    clip("in.mp4", UNEVEN)
    items = list(fg.video.alphas("in.mp4"))
    assert [round(time, 3) for _, _, time in items] == shown("in.mp4")[0]
    for number, (pixels, alpha, _) in enumerate(items):
        assert pixels.shape == (48, 64, 3)
        assert alpha.dtype == np.float32
        assert alpha[24, 12 + 2 * number] > 0.8
        assert alpha[2, -2] < 0.1


def broken(name: str) -> None:
    """Makes one of the bad inputs below."""
    if name == "text.mp4":
        Path(name).write_text("I am text")
    elif name == "empty.mp4":
        Path(name).write_bytes(b"")
    elif name == "sound.mkv":
        with av.open(name, "w") as container:
            tone = container.add_stream("aac", rate=48000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate = 48000
            container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    elif name in ("cut.mp4", "cut.mkv"):
        clip(f"whole{name[3:]}", list(range(0, 4000, 40)))
        content = Path(f"whole{name[3:]}").read_bytes()
        Path(name).write_bytes(content[: len(content) * 6 // 10])
    elif name == "cut.gif":
        content = Path(clip("whole.gif", EVEN, codec="gif", format="rgb8")).read_bytes()
        Path(name).write_bytes(content[: len(content) * 6 // 10])
    elif name == "changes.h264":
        with open(name, "wb") as file:
            for size in ((64, 48), (96, 64)):
                file.write(Path(clip(f"{size[0]}.h264", EVEN[:4], size)).read_bytes())
    elif name == "none.mkv":
        clip("in.mp4", audio="aac")
        with av.open("in.mp4") as source, av.open(name, "w") as target:
            copies = [target.add_stream_from_template(stream) for stream in source.streams]
            for packet in source.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = copies[1]
                    target.mux(packet)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.mp4", "is not there"),
        ("text.mp4", "cannot be read as a video"),
        ("empty.mp4", "is empty (0 bytes)"),
        ("sound.mkv", "no video stream; it has audio"),
        ("cut.mp4", "good frames"),
        ("cut.mkv", "good frames"),
        ("cut.gif", "good frames"),
        ("none.mkv", "without frames"),
        ("changes.h264", "changes from 64x48 to 96x64 after 4 frames"),
    ],
)
def test_bad_inputs(folder: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken(name)
    before = set(folder.iterdir())
    assert main(["video", name, "-o", "new/out.mp4"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert name in error
    assert "Traceback" not in error
    assert {path for path in folder.rglob("*") if path.is_file()} == before


def test_bad_targets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip("in.mp4")
    Path("file").write_text("")
    Path("folder.mp4").mkdir()
    clip("same.mp4")
    content = Path("in.mp4").read_bytes()
    for arguments, said in (
        (["-o", "in.mp4"], "is the input"),
        (["-o", "out.avi"], "expected one of .mp4"),
        (["-o", "out.mp4", "--background", "transparent"], "holds no transparency; expected .mov"),
        (["-o", "file/out.mp4"], "cannot write"),
        (["-o", "folder.mp4"], "is a folder"),
        (["-o", "out.mp4", "--crf", "99"], "expected 0 (best) to 51"),
        (["-o", "out.mp4", "--background", "nonsense"], "an image or video file"),
        (["-o", "out.mp4", "--background", "file"], "neither an image nor a video"),
        (["-o", "same.mp4", "--background", "same.mp4"], "is the background"),
        (["-o", "new/100%_%03d.png"], "%% for a percent sign"),
        (["-o", "."], "expected the name of a file"),
        (["-o", ""], "expected the name of a file"),
    ):
        assert main(["video", "in.mp4", *arguments]) == 1
        assert said in capsys.readouterr().err
    with pytest.raises(
        fg.errors.VideoError, match="edges is 'hair'; of a video expected fine or fast"
    ):
        fg.video.replace_background("in.mp4", "out.mp4", edges="hair")  # type: ignore[arg-type]
    with pytest.raises(fg.errors.VideoError, match="steady is 'yes'; expected motion or none"):
        fg.video.replace_background("in.mp4", "out.mp4", steady="yes")  # type: ignore[arg-type]
    with pytest.raises(fg.errors.VideoError, match="steady is 'Motion'"):
        next(iter(fg.video.alphas("in.mp4", steady="Motion")))  # type: ignore[arg-type]
    with pytest.raises(fg.errors.VideoError, match="every is -1 seconds"):
        next(fg.video.frames("in.mp4", every=-1))
    assert sorted(p.name for p in folder.iterdir()) == ["file", "folder.mp4", "in.mp4", "same.mp4"]
    assert Path("in.mp4").read_bytes() == content


def test_files_beside_the_output_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where Ctrl-C would leave its part may be something else: the input itself, somebody's notes."""
    clip("talk.part.mp4")
    Path("talk.part.json").write_text('{"my": "notes"}')
    Path("other.part.mkv").mkdir()
    before = {path: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    for target, said in (("talk.mp4", "the input"), ("other.mkv", "other.part.mkv is there")):
        assert main(["video", "talk.part.mp4", "-o", target]) == 1
        assert said in capsys.readouterr().err
    Path("talk.part.mp4").rename("in.mp4")
    assert main(["video", "in.mp4", "-o", "talk.mp4"]) == 1
    assert "talk.part.json is there" in capsys.readouterr().err
    Path("in.mp4").rename("talk.part.mp4")
    assert {path: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["12:30.mp4", "100%.mp4", "-x.mp4"])
def test_names_that_look_like_something_else(folder: Path, name: str) -> None:
    Path(clip("in.mp4")).rename(name)
    fg.video.replace_background(name, f"new/{name}", background="white", stopped=Stop(5))
    fg.video.replace_background(name, f"new/{name}", background="white", resume=True)
    assert shown(f"new/{name}")[0] == shown(name)[0]


def test_other_streams(folder: Path) -> None:
    """Their titles and flags stay; a second video, longer, is neither read nor missed."""
    clip("a.mp4", EVEN[:5])
    clip("b.mp4", list(range(0, 3000, 40)), audio="aac")
    with av.open("a.mp4") as short, av.open("b.mp4") as long, av.open("in.mkv", "w") as target:
        streams = [short.streams.video[0], long.streams.video[0], long.streams.audio[0]]
        copies = [target.add_stream_from_template(stream) for stream in streams]
        copies[2].metadata["title"] = "Commentary"
        copies[2].disposition = av.stream.Disposition.forced
        for source, which in ((short, [0]), (long, [1, 2])):
            for packet in source.demux(*[streams[n] for n in which]):
                if packet.dts is not None and not (
                    packet.stream is streams[2] and packet.pts > 9600
                ):
                    packet.stream = copies[[streams.index(packet.stream)][0]]
                    target.mux(packet)
    assert main(["video", "in.mkv", "-o", "out.mkv", "--background", "white"]) == 0
    assert shown("out.mkv")[0] == shown("in.mkv")[0]
    with av.open("out.mkv") as container:
        (tone,) = container.streams.audio
        assert tone.metadata["title"] == "Commentary"
        assert tone.disposition & av.stream.Disposition.forced


def test_a_broadcasts_clock_begins_anywhere(folder: Path) -> None:
    clip("in.mp4", audio="aac")
    with av.open("in.mp4") as source, av.open("in.ts", "w") as target:
        copies = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                late = round(50000 / packet.time_base)
                packet.pts, packet.dts = packet.pts + late, packet.dts + late
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    fg.video.replace_background("in.ts", "out.mp4", background="white")
    with av.open("out.mp4") as container:
        assert container.duration < 2_000_000
    times = shown("out.mp4")[0]
    np.testing.assert_allclose(np.subtract(times, times[0]), shown("in.mp4")[0], atol=0.0011)


class Stop:
    """Ctrl-C after so many frames."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.mov", "out.webm"])
def test_stopped_plays_and_goes_on(folder: Path, target: str) -> None:
    """In the end the frames, their times and the sound are those of a run in one go."""
    times = UNEVEN + [540 + 40 * n for n in range(20)]
    clip("in.mkv", times, audio="aac" if target == "out.mov" else "libopus")
    how = {"background": "transparent" if target in ("out.webm", "out.mov") else "#00ff00"}
    fg.video.replace_background("in.mkv", "whole" + target, **how)
    for after, count in ((9, 9), (5, 9), (15, 15)):  # the second stops among frames that there are
        done = fg.video.replace_background(
            "in.mkv", target, **how, resume=True, stopped=Stop(after), edges="fine"
        )
        part = target.replace(".", ".part.")
        assert (done.finished, done.output, done.frames) == (False, part, after)
        assert not Path(target).exists()
        assert shown(part)[0] == shown("whole" + target)[0][:count]
    with pytest.raises(fg.errors.FiguregroundError, match="another steady"):
        fg.video.replace_background("in.mkv", target, **how, resume=True, steady="none")
    done = fg.video.replace_background("in.mkv", target, **how, resume=True)
    assert (done.finished, done.frames) == (True, len(times))
    assert shown(target)[0] == shown("whole" + target)[0]
    for ours, theirs in zip(shown(target)[1], shown("whole" + target)[1]):
        assert np.abs(ours.astype(int) - theirs).mean() < 3
    assert sound(target) == sound("whole" + target)
    assert not list(folder.glob("*.part*"))


def test_ctrl_c_leaves_a_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip("in.mp4")
    write, written = Writer.write, []

    def interrupted(self: Writer, *arguments: object) -> None:
        write(self, *arguments)  # type: ignore[arg-type]
        written.append(arguments)
        if len(written) == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Writer, "write", interrupted)
    arguments = ["video", "in.mp4", "-o", "out.mp4", "--background", "white"]
    assert main(arguments) == 130
    assert "out.part.mp4 has the first 5 frames, and plays" in capsys.readouterr().err
    assert len(shown("out.part.mp4")[0]) == 5
    monkeypatch.setattr(Writer, "write", write)
    assert main([*arguments, "--resume", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["frames"], line["finished"], line["output"]) == (12, True, "out.mp4")
    assert shown("out.mp4")[0] == shown("in.mp4")[0]
    assert main([*arguments, "--resume"]) == 0
    assert "is there already" in capsys.readouterr().err
    assert main(["video", "in.mp4", "-o", "out.gif", "--resume"]) == 1
    assert "cannot go on with out.gif" in capsys.readouterr().err


def test_a_stopped_sequence_leaves_its_part(folder: Path) -> None:
    clip("in.mp4")
    for count in (4, 6):  # the second takes the place of the first
        done = fg.video.replace_background("in.mp4", "new/%03d.png", stopped=Stop(count))
        assert (done.finished, done.output) == (False, str(folder / "new.part"))
        assert len(list((folder / "new.part").glob("*.png"))) == count
    fg.video.replace_background("in.mp4", "new/%03d.png")
    assert sorted(path.name for path in folder.iterdir()) == ["in.mp4", "new"]


def test_a_full_disk_leaves_nothing_of_a_sequence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    clip("in.mp4")
    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["video", "in.mp4", "-o", "new/%03d.png"]) == 1
    assert "cannot write 001.png of new/%03d.png (No space left" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["in.mp4"]


def test_stopped_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip("in.mp4")
    Path("out.mp4").write_text("older")

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("figureground.video.write.Writer.write", stop)
    assert main(["video", "in.mp4", "-o", "out.mp4"]) == 130
    assert Path("out.mp4").read_text() == "older"
    assert sorted(p.name for p in folder.iterdir()) == ["in.mp4", "out.mp4"]


def test_without_pyav(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("figureground.video")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["video", "in.mp4", "-o", "out.mp4"]) == 1
    assert "figureground[video]" in capsys.readouterr().err


def steadied(
    frames: Sequence[np.ndarray], alphas: Sequence[np.ndarray], look: int
) -> list[np.ndarray]:
    steady = Steady(look)
    results = [result for pair in zip(frames, alphas) for result in steady(*pair)]
    return results + steady.rest()


@pytest.mark.parametrize("look", [0, 2])
def test_steady_averages_what_stays_and_forgets_at_a_cut(look: int) -> None:
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 255, (24, 32, 3)).astype(np.uint8), (128, 96))
    # as networks answer: at a part of the size, enlarged
    small = rng.uniform(0.3, 0.7, (20, 24, 32)).astype(np.float32)
    alphas = [cv2.resize(each, (128, 96)) for each in small]
    results = steadied([scene] * 20 + [255 - scene // 8], [*alphas, alphas[0]], look)
    flicker, left = (np.abs(np.diff(each[:20], axis=0))[5:].mean() for each in (alphas, results))
    assert left < 0.5 * flicker
    np.testing.assert_allclose(results[20], alphas[0], atol=1e-6)


@pytest.mark.parametrize("look", [0, 2])
def test_steady_follows_what_moves(look: int) -> None:
    frames = [drawn(number, 64, 48) for number in range(12)]
    alphas = [(pixels[:, :, 0] > 128).astype(np.float32) for pixels in frames]
    results = steadied(frames, alphas, look)
    assert len(results) == len(alphas)
    assert np.mean([np.abs(a - b).mean() for a, b in zip(results, alphas)]) < 0.01


def test_ahead_keeps_order_errors_and_ends() -> None:
    assert list(ahead(iter(range(50)), 3)) == list(range(50))
    closed = []

    def numbers():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    items = ahead(numbers(), 2)
    assert next(items) == 0
    items.close()
    assert closed == [True]

    def failing():
        yield 1
        raise ValueError("bad")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="bad"):
        next(items)


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells the memory in use")
def test_memory_is_flat_over_10_000_frames(folder: Path) -> None:
    clip("in.mp4", range(0, 400_000, 40), audio="aac")
    pages: dict[int, int] = {}

    def note(done: int, total: int) -> None:
        pages[done] = int(Path("/proc/self/statm").read_text().split()[1])

    done = fg.video.replace_background("in.mp4", "out.mp4", background="white", progress=note)
    assert done.frames == 10_000
    # MP4's index and the heap of a process that ran other tests grow too; every frame kept would be 37 MB
    assert (pages[10_000] - pages[2_000]) * 4096 < 20e6


def test_real_clips(shared_data: Path, tmp_path: Path) -> None:
    """The shipped model on a person who signs: all frames, all times."""
    source = shared_data / "video" / "thanks.mkv"
    if not source.is_file():
        pytest.skip(f"no clip at {source}")
    done = fg.video.replace_background(
        source, tmp_path / "out.mp4", background="white", edges="fast"
    )
    assert done.frames == 51
    assert 0.1 < done.people < 0.6
    times = [time for time, _ in fg.video.frames(source)]
    np.testing.assert_allclose([t for t, _ in fg.video.frames(tmp_path / "out.mp4")], times)
