"""A model ready to be asked, by name: what a card says, put together."""

from __future__ import annotations

import os
from functools import lru_cache

from figureground import hub
from figureground.errors import CardError
from figureground.runtime.alpha import OUTPUTS as ALPHA_OUTPUTS
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.labels import LabelPredictor
from figureground.runtime.session import Flipped, OnnxSession, Session

Predictor = AlphaPredictor | LabelPredictor | EmbeddingPredictor


def load(
    model: str | os.PathLike[str] = "refinenet-people",
    *,
    edges: Edges = "fine",
    flip: bool = False,
    device: str = "auto",
    threads: int = 0,
) -> Predictor:
    """A predictor by card name, hub id, or path of a card; the same arguments give the same, loaded, one.

    What calling it with an image gives depends on the card's output: an alpha (AlphaPredictor), class
    labels (LabelPredictor) or an embedding (EmbeddingPredictor). A model that is not on this machine is
    pulled, and converted if it is a checkpoint of another framework; both are said on standard error.

    edges: of an alpha, "fine" (along the photo's own), "fast" (enlarged as they are) or "hair" (solved
    for where the network is unsure).
    flip: the mean of the answers to the picture and its mirror image: a little better, in twice the time.
    device: auto, cpu or cuda. threads: of the engine; 0 for one per core.
    Raises CardError when the model is unknown, its weights are not the card's, or the device is not
    available; PullError when they cannot be fetched.
    """
    return _load(os.fspath(model), edges, flip, device, threads)


def load_alpha(
    model: str | os.PathLike[str],
    *,
    edges: Edges = "fine",
    flip: bool = False,
    device: str = "auto",
    threads: int = 0,
) -> AlphaPredictor:
    """The same for a model that gives an alpha; CardError for any other."""
    predictor = load(model, edges=edges, flip=flip, device=device, threads=threads)
    if not isinstance(predictor, AlphaPredictor):
        raise CardError(
            f"{predictor.name} gives no mask; expected a model for person-segmentation, saliency or "
            "matting; `figureground models` lists them"
        )
    return predictor


@lru_cache(maxsize=4)
def _load(model: str, edges: Edges, flip: bool, device: str, threads: int) -> Predictor:
    card = hub.card(model)
    return predictor_of(card, OnnxSession(hub.local(card), device, threads), edges, flip)


def predictor_of(
    card: hub.Card, session: Session, edges: Edges = "fine", flip: bool = False
) -> Predictor:
    """The predictor for what the card says that the session gives; edges and flip as of load."""
    if flip:
        session = Flipped(session)
    if card.output in ALPHA_OUTPUTS:
        return AlphaPredictor(
            session,
            card.input,
            card.name,
            card.output,
            card.sharpness,
            card.offset,
            edges,
            card.task,
        )
    if card.output == "class-logits":
        return LabelPredictor(session, card.input, card.name, card.classes)
    if card.output == "embedding":
        return EmbeddingPredictor(session, card.input, card.name)
    raise CardError(
        f"{card.name} gives {card.output!r}; expected {', '.join(ALPHA_OUTPUTS)}, class-logits or "
        "embedding"
    )
