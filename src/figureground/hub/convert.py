"""Checkpoints of other frameworks made runnable when they are first used, and kept by their hash."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from hashlib import sha256
from json import dumps
from pathlib import Path

from figureground import hub
from figureground.errors import CardError
from figureground.hub.card import Card
from figureground.hub.store import home

VERSION = 1  # of what conversion makes; a new one makes old results be made anew


def converted(card: Card) -> Path:
    """The card of the runnable form of a model that is only a checkpoint; made if it is not there.

    Raises CardError when torch, which converting needs, is not installed, or the checkpoint is not of
    the card's network.
    """
    made = place(card)
    if made.exists():
        return made
    file = card.checkpoint
    assert file is not None
    from filelock import FileLock

    checkpoint = hub.verified(card, file)
    try:
        from figureground.importing import import_checkpoint
    except ModuleNotFoundError as error:
        raise CardError(
            f"{card.name} is a checkpoint of another framework; converting it, once, needs {error.name}: "
            "pip install 'figureground[train]'"
        ) from None
    folder = made.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if made.exists():  # another process was first
            return made
        print(f"converting {card.name} for this machine, once ...", file=sys.stderr, flush=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
        try:
            arguments = dict(card.network)
            network = arguments.pop("name")
            import_checkpoint(
                checkpoint, network, part, "model", arguments=arguments, like=replace(card, ids=())
            )
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return made


def place(card: Card) -> Path:
    """Where the card of the runnable form is, or will be; CardError when there is nothing to convert."""
    file = card.checkpoint
    if file is None:
        raise CardError(f"{card.path} names neither an .onnx file nor a checkpoint")
    how = dumps([card.network, asdict(card.input), card.output, card.classes], sort_keys=True)
    key = f"{(file.sha256 or file.md5)[:16]}-{sha256(how.encode()).hexdigest()[:8]}-{VERSION}"
    return home() / "converted" / key / "model.md"
