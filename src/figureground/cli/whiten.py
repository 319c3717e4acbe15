"""figureground whiten"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated


def whiten(
    model: Annotated[str, "card of a re-identification model"],
    folders: Annotated[
        list[str], "data sets of persons from several cameras, whose training split is looked at"
    ],
    *,
    output: Annotated[str, "folder for NAME.onnx and NAME.md", "-o"],
    name: Annotated[str, "name of the model"] = "my-persons",
    data: Annotated[str, "layout of the data sets, as of `figureground evaluate`"] = "market1501",
    shrink: Annotated[float, "below 1 changes more, above 1 less"] = 1.0,
) -> None:
    """Fit a re-identification model to your cameras without training it.

    Looks at crops whose persons are known, and puts a linear layer behind the model in whose answers
    pictures of one person lie as near in each direction. A minute on a CPU for some thousand crops. The new
    model is another one: galleries are indexed and calibrated anew.
    """
    from figureground import hub
    from figureground.data import read_sightings
    from figureground.errors import DataError
    from figureground.export import export_whitened

    places = [Path(folder).resolve() for folder in folders]
    if twice := [str(place) for place in places if places.count(place) > 1]:
        raise DataError(f"{twice[0]} is given twice; give each data set once")
    sightings = [(folder, s) for folder in folders for s in read_sightings(data, folder, "train")]
    crops = [s.image for _, s in sightings]
    persons = [f"{folder}/{s.person}" for folder, s in sightings]
    made = export_whitened(hub.card(model), Path(output), name, crops, persons, shrink)
    print(f"{made}: by {len(crops)} crops of {len(set(persons))} persons")
