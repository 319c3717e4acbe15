"""figureground models"""

from __future__ import annotations

from typing import Annotated, Literal

from figureground.errors import CardError


def models(
    action: Annotated[Literal["list", "info", "verify"], "what to do"] = "list",
    names: Annotated[list[str], "models (default: all that come with the package)"] = [],  # noqa: B006
) -> None:
    """List the models, show a card, or check the files against their checksums."""
    from figureground import hub

    if action == "info" and not names:
        raise CardError(f"info needs a model; expected one of {', '.join(hub.names())}")
    for name in names or hub.names():
        card = hub.card(name)
        if action == "list":
            figures = ", ".join(f"{key} {value}" for key, value in card.figures.items())
            print(
                f"{card.name}  {card.task}  weights: {card.licences.get('weights', 'unknown')}  {figures}"
            )
        elif action == "info":
            print(card.path.read_text(encoding="utf-8"))
        else:
            print(f"{card.name}  {hub.verified(card.path)}  sha256 as in its card")
