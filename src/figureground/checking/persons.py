"""Re-identification: who was seen how often, by which cameras, in which split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from figureground.checking.finding import Finding, error, warning
from figureground.checking.survey import Survey
from figureground.data import Sighting


def _by_person(sightings: list[Sighting]) -> dict[str, list[Sighting]]:
    found: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        found[sighting.person].append(sighting)
    return found


def _cameras(sightings: list[Sighting]) -> set[str | None]:
    return {s.camera for s in sightings}


def persons_in_two_splits(survey: Survey) -> Iterator[Finding]:
    learnt = _by_person(survey.sightings.get("train", []))
    searched = [s for split in ("query", "gallery") for s in survey.sightings.get(split, [])]
    both = sorted(learnt.keys() & _by_person(searched).keys())
    message = "persons in train and in query or gallery, so what is measured was learnt"
    yield error(f"{message}: move them, or rename those that are others", both)


def single_pictures(survey: Survey) -> Iterator[Finding]:
    persons = _by_person(survey.sightings.get("train", []))
    if len(persons) == 1:
        yield error("the only person to learn: there is nobody to tell apart", persons)
    alone = [survey.name(seen[0].image) for seen in persons.values() if len(seen) == 1]
    yield warning("the only picture of its person in train: triplets find no second one", alone)


def single_cameras(survey: Survey) -> Iterator[Finding]:
    for split, sightings in survey.sightings.items():
        if split == "train" and len(_cameras(sightings) - {None}) > 1:
            persons = _by_person(sightings).items()
            once = [person for person, seen in persons if len(_cameras(seen)) == 1]
            yield warning(
                "persons that one camera alone saw: nothing is learnt across cameras", once
            )


def unknown_cameras(survey: Survey) -> Iterator[Finding]:
    every = [s for sightings in survey.sightings.values() for s in sightings]
    unknown = [survey.name(s.image) for s in every if s.camera is None]
    if len(unknown) < len(every):
        yield warning("without a camera, where others have one: name it", unknown)
        if len(cameras := _cameras(every) - {None}) == 1:
            yield warning(
                "the only camera: there is nothing to find across cameras", map(str, cameras)
            )


def queries_without_match(survey: Survey) -> Iterator[Finding]:
    if not survey.sightings.get("query") or not survey.sightings.get("gallery"):
        return
    gallery = _by_person(survey.sightings["gallery"])
    lost = [
        survey.name(query.image)
        for query in survey.sightings["query"]
        if not any(
            seen.camera is None or seen.camera != query.camera
            for seen in gallery.get(query.person, [])
        )
    ]
    yield warning(
        "queries that no other camera's picture in the gallery answers: not counted", lost
    )


CHECKS = [
    persons_in_two_splits,
    single_pictures,
    single_cameras,
    unknown_cameras,
    queries_without_match,
]
