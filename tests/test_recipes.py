"""Each recipe that comes with the package feeds signatures that exist."""

from pathlib import Path

import pytest

from figureground import networks, recipes
from figureground.errors import RecipeError
from figureground.training import systems
from figureground.training.fit import fit
from figureground.training.segmentation import segmentation_data


@pytest.mark.parametrize("name", recipes.names())
def test_recipe_fits_the_signatures(name: str) -> None:
    values = recipes.load(name, ["data.root=/nowhere"])
    assert set(values) <= recipes.SECTIONS
    network = dict(values["network"])
    builder = networks.builders()[network.pop("name")]
    recipes.arguments(builder, network, "network")
    task, pictures = systems()[values["system"]]
    data = recipes.arguments(pictures, values["data"], "data")
    assert data["root"] == Path("/nowhere")
    assert all(len(size) == 2 for size in data.get("sizes", []))
    recipes.arguments(task, values["task"], "task", given=["network"])
    loop = recipes.arguments(fit, values["loop"], "loop", given=["task", "data", "run"])
    assert loop["max_steps"] > 0
    for listing in (n for what in ("nobody", "scenes", "things") for n in data.get(what, [])):
        assert listing == "no_people.txt" or (recipes.FOLDER / "lists" / listing).is_file()


def test_overrides() -> None:
    values = recipes.load(recipes.names()[0], ["data.batch_size=3", "init=a.safetensors"])
    assert values["data"]["batch_size"] == 3
    assert values["init"] == "a.safetensors"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batchsize=3", "batchsize"),
        ("data.batch_size=many", "batch_size"),
        ("data.pictures=drawn", "pictures"),
        ("data.input.widht=3", "widht"),
    ],
)
def test_wrong_keys_and_values_are_named(override: str, message: str) -> None:
    values = recipes.load("pp-humanseg-lite/people", ["data.root=/nowhere", override])
    with pytest.raises(RecipeError, match=message):
        recipes.arguments(segmentation_data, values["data"], "data")


def test_what_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'nope'.*pp-humanseg-lite/people"):
        recipes.load("nope")
    with pytest.raises(RecipeError, match="not an override"):
        recipes.load("pp-humanseg-lite/people", ["data.root"])
    with pytest.raises(RecipeError, match="goes below"):
        recipes.load("pp-humanseg-lite/people", ["data.name.x=1"])
    (tmp_path / "a.yaml").write_text("[1, 2")
    with pytest.raises(RecipeError, match="not YAML"):
        recipes.load(str(tmp_path / "a.yaml"))
    (tmp_path / "a.yaml").write_text("- 1")
    with pytest.raises(RecipeError, match="not a recipe"):
        recipes.load(str(tmp_path / "a.yaml"))
