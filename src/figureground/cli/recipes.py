"""figureground recipes"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal


def recipes(
    action: Annotated[Literal["list", "show", "copy"], "what to do"] = "list",
    name: Annotated[str, "show, copy: the recipe"] = "",
    *,
    output: Annotated[str, "copy: the .yaml file to write (default: its name, here)", "-o"] = "",
) -> None:
    """List the recipes that come with the package, show one, or copy one to change it.

    A copy is trained by `figureground train FILE.yaml data.root=FOLDER`.
    """
    from figureground import recipes
    from figureground.errors import RecipeError
    from figureground.imaging.write import write

    if output and action != "copy":
        raise RecipeError(f"--output is for copy; leave it out of {action}")
    if output and Path(output).suffix not in (".yaml", ".yml"):
        raise RecipeError(f"--output is {output!r}; expected a name that ends with .yaml")
    if action == "list":
        if name:
            raise RecipeError(f"list takes no name; did you mean: figureground recipes show {name}")
        known = recipes.names()
        for each in known:
            about = recipes.text(each).splitlines()[0].lstrip("# ")
            print(f"{each:{max(map(len, known))}}  {about}")
        return
    if not name:
        raise RecipeError(f"{action} needs a recipe; expected one of {', '.join(recipes.names())}")
    text = recipes.text(name)
    if action == "show":
        print(text, end="")
        return
    target = Path(output or f"{name.replace('/', '-')}.yaml")
    if target.exists():
        raise RecipeError(f"{target} is there already; choose another file with -o FILE.yaml")
    write(target, text.encode())
    print(target)
