"""The models that a server offers: those on this machine, or those it was told; loaded when asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from figureground import hub
from figureground.errors import CardError, PullError
from figureground.hub import convert
from figureground.runtime.alpha import OUTPUTS as ALPHA_OUTPUTS
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.labels import LabelPredictor
from figureground.runtime.predictor import Predictor, predictor_of
from figureground.runtime.session import OnnxSession, Session

DEFAULT = "pp-humanseg-lite"
P = TypeVar("P", bound=Predictor)
KINDS: dict[type, tuple[tuple[str, ...], str]] = {
    AlphaPredictor: (ALPHA_OUTPUTS, "person-segmentation, saliency or matting"),
    LabelPredictor: (("class-logits",), "semantic-segmentation"),
    EmbeddingPredictor: (("embedding",), "re-identification"),
}


class Unavailable(Exception):
    """A model that is offered, but cannot be run; why is for the log, not for who asked."""


class Models:
    """Models by card name, at most `sessions` of them loaded, one session each; for any threads.

    models: names or paths of cards, the first of a kind its default; empty for all of the registry that
    are on this machine. What is asked for later is only ever looked up among these.
    """

    def __init__(
        self,
        models: Sequence[str] = (),
        *,
        sessions: int = 2,
        device: str = "auto",
        threads: int = 1,
    ) -> None:
        cards = [hub.card(name) for name in models or _registry()]
        self.cards = {card.name: card for card in cards if models or here(card)}
        self.sessions = sessions
        self.device = device
        self.threads = threads
        self._loaded: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()
        for card in cards:
            if models and not here(card):
                raise CardError(
                    f"{card.name} is not on this machine; `figureground models pull {card.name}` first"
                )

    def predictor(
        self, kind: type[P], name: str = "", edges: Edges = "fine", flip: bool = False
    ) -> P:
        """The model of that name, or the first of its kind. CardError where there is none such."""
        card = self.card(kind, name)
        predictor = predictor_of(card, self._session(card), edges, flip)
        assert isinstance(predictor, kind)
        return predictor

    def card(self, kind: type, name: str = "") -> hub.Card:
        """The card of that predictor."""
        outputs, tasks = KINDS[kind]
        fitting = {n: card for n, card in self.cards.items() if card.output in outputs}
        if not fitting:
            raise CardError(f"this server has no model for {tasks}; start it with one (--model)")
        if name and name not in fitting:
            raise CardError(f"the model {name!r} is not one of {', '.join(fitting)}")
        return fitting[name] if name else next(iter(fitting.values()))

    def list(self) -> list[dict[str, Any]]:
        """What GET /v1/models answers."""
        return [
            {
                "name": card.name,
                "task": card.task,
                "licences": dict(card.licences),
                "loaded": card.name in self._loaded,
            }
            for card in self.cards.values()
        ]

    def _session(self, card: hub.Card) -> Session:
        with self._lock:
            if card.name not in self._loaded:
                while len(self._loaded) >= self.sessions:
                    self._loaded.popitem(last=False)
                try:
                    path = hub.local(card)
                    self._loaded[card.name] = OnnxSession(path, self.device, self.threads)
                except (CardError, PullError) as error:
                    raise Unavailable(str(error)) from error
            self._loaded.move_to_end(card.name)
            return self._loaded[card.name]


def here(card: hub.Card) -> bool:
    """Whether the model can be run without pulling or converting anything."""
    if card.onnx is not None:
        return hub.place(card, card.onnx).exists()
    return card.checkpoint is not None and Path(convert.place(card)).exists()


def _registry() -> list[str]:
    return sorted(hub.names(), key=lambda name: name != DEFAULT)
