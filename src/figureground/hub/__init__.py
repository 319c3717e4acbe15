"""Models by name: the cards in cards/ are the registry; their files are found, pulled, checked."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from figureground.errors import CardError
from figureground.hub import digest, mindspore, store
from figureground.hub.card import Card as Card
from figureground.hub.card import File as File
from figureground.hub.card import parse as parse_card

FOLDER = Path(__file__).parent.parent / "cards"
SUFFIXES = (".md", ".txt", ".onnx")


def names() -> list[str]:
    """Names of the cards that come with the package, those of our own models first."""
    found = (p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.md"))
    return sorted(found, key=lambda name: ("/" in name, name))


def card(model: str) -> Card:
    """The card of that name or hub id, or at that path: ours, the MindSpore Hub's, or an .onnx with its
    card inside.

    Raises CardError for an unknown name, an unreadable card or one that lacks what a card must say.
    """
    if model.endswith(SUFFIXES):
        return read(Path(model).expanduser())
    if model in names():
        return read(FOLDER / f"{model}.md")
    for name in names():
        if "/" in model and model in (known := read(FOLDER / f"{name}.md")).ids:
            return known
    if (Path(model) / "recipe.yaml").is_file():
        raise CardError(
            f"{model} is a run folder; make a model of it by `figureground export {model} -o FOLDER`"
        )
    near = [name for name in names() if model.lower() in name.lower()]
    raise CardError(
        f"unknown model {model!r}; expected one of {', '.join(near or names())}, or the path of a card "
        "(.md); `figureground models` lists all"
    )


def read(path: Path) -> Card:
    """The card in a file."""
    if path.suffix == ".onnx":
        return _inside(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CardError(f"cannot read the card {path} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CardError(f"{path} is not a card: it is not UTF-8 text") from None
    return mindspore.parse(text, path) if mindspore.recognises(text) else parse_card(text, path)


def _inside(path: Path) -> Card:
    """The card that an ONNX file carries, with the file itself as its only one."""
    import onnxruntime

    if not path.is_file():
        raise CardError(f"there is no file {path}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        front = session.get_modelmeta().custom_metadata_map["figureground"]
    except KeyError:
        raise CardError(f"{path} carries no card; give the path of its card (.md)") from None
    except Exception as error:
        raise CardError(f"{path} cannot be run: {str(error).splitlines()[0]}") from None
    file = File(path.name, sha256=digest.sha256(path))
    text = f"---\n{front}files:\n- name: {file.name}\n  sha256: {file.sha256}\n---\n"
    return parse_card(text, path)


def local(card: Card) -> Path:
    """The ONNX file of a card, verified; pulled or converted first where that is needed.

    Raises CardError when it is not the card's, PullError when it cannot be fetched.
    """
    if card.onnx is not None:
        return verified(card, card.onnx)
    from figureground.hub.convert import converted

    made = read(converted(card))
    assert made.onnx is not None
    return verified(made, made.onnx)


def place(card: Card, file: File) -> Path:
    """Where a file of a card is, or will be once it is pulled: beside the card, else in the cache."""
    beside = card.path.parent / file.name
    if beside.exists() or not file.sources:
        return beside
    return store.home() / "files" / (file.sha256 or file.md5)[:16] / file.name


def verified(card: Card, file: File) -> Path:
    """The file on this machine, its checksum right; pulled first if it is not there.

    Raises CardError when it is not the card's, PullError when it cannot be fetched.
    """
    path = place(card, file)
    if not path.exists() and file.sources:
        fetch(card, file)
    _check(path, card.name, file.sha256, file.md5)
    return path


def fetch(card: Card, file: File, *, mirror: str = "", offline: bool = False) -> Path:
    """Pulls a file of a card, also over a wrong one; how much has come is said on standard error.

    mirror: an address, a folder or a file to try before the card's own sources.
    Raises PullError when no source gives the right file.
    """
    from figureground.hub.pull import pull

    path = place(card, file)
    sources = [*([mirror] if mirror else []), *file.sources]
    progress = Pulling(file.name)
    pull(sources, path, sha256=file.sha256, md5=file.md5, offline=offline, progress=progress)
    progress.end()
    return path


@cache
def _check(path: Path, model: str, sha256: str, md5: str) -> None:
    """Once per process."""
    expected = digest.expect(sha256, md5)
    try:
        wrong = digest.mismatch(digest.read(path, expected), expected)
    except OSError as error:
        raise CardError(
            f"the weights of {model} should be at {path} ({error.strerror}); "
            "reinstall figureground, or put the file there"
        ) from None
    if wrong:
        raise CardError(
            f"the weights at {path} are not those of the card {model}: {wrong}; put the right file "
            f"there, or get it by `figureground models pull {model}`"
        )


class Pulling:
    """How much of a file has come, on standard error: in place on a terminal, else once, at the start."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown = -1

    def __call__(self, done: int, total: int | None) -> None:
        step = done // 2**20
        if step == self.shown or (self.shown >= 0 and not sys.stderr.isatty()):
            return
        self.shown = step
        size = f" of {total / 1e6:.0f}" if total else ""
        end = "\r" if sys.stderr.isatty() else "\n"
        print(
            f"pulling {self.name}: {done / 1e6:.0f}{size} MB", end=end, file=sys.stderr, flush=True
        )

    def end(self) -> None:
        if self.shown >= 0 and sys.stderr.isatty():
            print(file=sys.stderr)
