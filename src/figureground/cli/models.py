"""figureground models"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from figureground.errors import CardError, FiguregroundError

if TYPE_CHECKING:
    from figureground.hub import Card

ACTIONS = Literal["list", "info", "pull", "verify", "prune"]


def models(
    action: Annotated[ACTIONS, "what to do"] = "list",
    names: Annotated[list[str], "models: card names, hub ids or card files (default: all)"] = [],  # noqa: B006
    *,
    task: Annotated[str, "only models for this task, e.g. saliency"] = "",
    licence: Annotated[str, "only models with this in a licence, e.g. Apache"] = "",
    commercial: Annotated[Literal["", "yes", "no", "unknown"], "only models with this answer"] = "",
    source: Annotated[str, "pull: an address, folder or file to try first"] = "",
    offline: Annotated[bool, "pull: ask no address (as FIGUREGROUND_OFFLINE=1)"] = False,
) -> int:
    """List the models, show a card, fetch files, check or remove them.

    list: what there is. info: a card. pull: fetches what a model needs and makes it ready to run.
    verify: checks the files on this machine against their checksums. prune: removes pulled and
    converted files of the named models, or of those that are like that; without names, a task or terms,
    those that no card of the package knows.
    Files are kept in FIGUREGROUND_HOME, or the platform's cache folder.
    """
    from figureground import hub
    from figureground.hub.card import front_matter

    if action in ("info", "pull") and not names:
        raise CardError(f"{action} needs a model; expected one of {', '.join(hub.names())}")
    cards = [hub.card(name) for name in names or hub.names()]
    cards = [card for card in cards if _wanted(card, task, licence, commercial)]
    if action == "list":
        return _list(cards)
    if action == "prune":
        chosen = names or task or licence or commercial
        return _prune(cards, everything_else=not chosen)
    failed = 0
    for card in cards:
        if action == "info":
            inside = card.path.suffix == ".onnx"
            print(front_matter(card) if inside else card.path.read_text(encoding="utf-8"))
            continue
        try:
            _pull(card, source, offline) if action == "pull" else _verify(card, must=bool(names))
        except FiguregroundError as error:
            failed += 1
            print(f"{card.name}: {error}")
    return 1 if failed else 0


def _wanted(card: Card, task: str, licence: str, commercial: str) -> bool:
    terms = [card.licences.get(key, "unknown") for key in ("code", "weights", "data")]
    return (
        task in ("", card.task)
        and licence.lower() in " ".join(terms).lower()
        and commercial in ("", card.licences.get("commercial", "unknown"))
    )


def _list(cards: list[Card]) -> int:
    from figureground import hub

    if not cards:
        print("no model is like that; `figureground models` lists all")
        return 1
    rows = [("model", "task", "commercial", "on this machine", "figures")]
    for card in cards:
        here = all(hub.place(card, file).exists() for file in card.files)
        figures = ", ".join(f"{key} {value}" for key, value in card.figures.items())
        commercial = card.licences.get("commercial", "unknown")
        rows.append((card.name, card.task, commercial, "yes" if here else "to pull", figures))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, [*widths, 0])).rstrip())
    return 0


def _pull(card: Card, source: str, offline: bool) -> None:
    from figureground import hub

    for file in card.files:
        hub.fetch(card, file, mirror=source, offline=offline)
    print(f"{card.name}: {hub.local(card)}")
    terms = (
        f"{key}: {card.licences.get(key, 'unknown')}" for key in ("weights", "data", "commercial")
    )
    print(f"  {'; '.join(terms)}")


def _verify(card: Card, must: bool) -> None:
    from figureground import hub
    from figureground.hub import convert

    paths = [(card, file) for file in card.files]
    if card.onnx is None and convert.place(card).exists():
        made = hub.read(convert.place(card))
        paths += [(made, file) for file in made.files]
    for owner, file in paths:
        path = hub.place(owner, file)
        if not path.exists() and file.sources:
            if must:
                raise CardError(f"not on this machine; `figureground models pull {card.name}`")
            print(f"{card.name}: not on this machine")
            continue
        hub.verified(owner, file)
        print(f"{card.name}: {path} is as its card says ({'sha256' if file.sha256 else 'md5'})")


def _prune(cards: list[Card], everything_else: bool) -> int:
    from figureground import hub
    from figureground.hub import convert, store

    theirs = {hub.place(card, file) for card in cards for file in card.files}
    for card in cards:
        if card.onnx is None:
            folder = convert.place(card).parent
            theirs |= set(folder.iterdir()) if folder.is_dir() else set()
    keep = theirs if everything_else else {path for path, _ in store.stored()} - theirs
    try:
        removed = store.prune(keep)
    except OSError as error:
        raise CardError(f"cannot remove {error.filename} ({error.strerror})") from None
    for path, size in removed:
        print(f"removed {path} ({size / 1e6:.1f} MB)")
    print(f"{sum(size for _, size in removed) / 1e6:.1f} MB made free in {store.home()}")
    return 0
