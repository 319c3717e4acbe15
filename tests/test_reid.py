"""Re-identification: read the sets, draw the crops, learn, go on, measure; on drawn persons."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

from figureground import data
from figureground.cli import main
from figureground.data import Sighting
from figureground.data.crops import Crops, erase, move
from figureground.errors import DataError
from figureground.losses.triplet import batch_hard_triplet
from figureground.runtime.prepare import Input
from figureground.training.reid import ReidTask
from figureground.training.reid_data import ReidData
from figureground.training.schedule import cosine

SMALL = "{width: 16, height: 32, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"


def train(root: Path, run: Path, steps: int, *more: str) -> int:
    overrides = [
        f"data.root={root}", "data.sets=[.]", f"data.input={SMALL}", "data.batch_size=8",
        "data.pictures_per_person=4", "data.padding=2", "data.val_share=0.2", "data.workers=0",
        "data.steps_per_epoch=20", "task.warmup_steps=0", "network.num_classes=8",
        f"loop.max_steps={steps}", "loop.ema=0.9",
    ]  # fmt: skip
    return main(["train", "osnet-x0.25/cuhk", *overrides, *more, "--run", str(run)])


@pytest.fixture(scope="module")
def whole_run(persons_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "whole"
    assert train(persons_folder, run, 40, "task.triplet_weight=0.5") == 0
    return run


def test_it_learns_and_is_measured(
    persons_folder: Path, whole_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = ["evaluate", str(whole_run), "--data", "market1501", "--root", str(persons_folder)]
    assert main([*measure, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    counts = {name: figures[name] for name in ("queries", "skipped", "gallery")}
    assert counts == {"queries": 12, "skipped": 0, "gallery": 13}  # the distractor, not the junk
    assert figures["map"] > 0.5  # chance: about 0.25
    assert main([*measure, "--flip", "--limit", "3"]) == 0
    shown = capsys.readouterr().out
    assert "queries              3" in shown
    assert "minp" in shown


def test_going_on_is_exact(
    persons_folder: Path, whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off in the second epoch and started again, the weights are those of the whole run."""
    step = ReidTask.training_step

    def fail(self: ReidTask, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        if self.trainer.global_step == 25:
            raise DataError("the disk is gone")
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(ReidTask, "training_step", fail)
        assert train(persons_folder, tmp_path, 40, "task.triplet_weight=0.5") == 1
    assert train(persons_folder, tmp_path, 40, "task.triplet_weight=0.5") == 0
    whole, halves = (load_file(run / "last.safetensors") for run in (whole_run, tmp_path))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network.num_classes=7"], "give network.num_classes=8"),
        (["system=re-id"], "system is 're-id'; expected one of matting, person-segm"),
        (["loop.monitor=mAP"], "loop.monitor is 'mAP'; expected one of map, rank1"),
        (["data.sets=[none]"], "not a folder"),
        (["data.val_share=0"], "val_share 0"),
        (["data.val_share=0.95"], "change data.val_share"),
        (["system=[1]"], "system is [1]"),
        (["task.learning_rate=1e18"], "lower task.learning_rate"),
        (["data.batch_size=10"], "multiple of pictures_per_person"),
        (["data.name=people"], "unknown data set 'people'; expected one of market1501"),
        (["network={name: u2netp}"], "classifier"),
    ],
)
def test_bad_recipes_end_in_one_line(
    persons_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    message: str,
) -> None:
    assert train(persons_folder, tmp_path / "run", 3, *overrides) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("figureground: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "people"], "gives no mask"),
        (["--data", "market1501", "--split", "val"], "measured on the split 'test'"),
        (["--data", "person_folders"], "split 'query' of"),
        (["--data", "market1501", "--measure", "matting"], "leave them out for the crops"),
        (["--data", "market1501", "--protocol", "published"], "leave them out for the crops"),
    ],
)
def test_what_cannot_be_measured_is_said(
    persons_folder: Path,
    people_folder: Path,
    whole_run: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    root = people_folder if "people" in arguments else persons_folder
    assert main(["evaluate", str(whole_run), "--root", str(root), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_market1501(persons_folder: Path, tmp_path: Path) -> None:
    train, gallery = (
        data.read_sightings("market1501", persons_folder, split) for split in ("train", "gallery")
    )
    assert len(train) == 40
    assert {s.camera for s in train} == {"1", "2"}
    assert {s.person for s in gallery} == {"0000", *(f"{p:04}" for p in range(11, 17))}
    (tmp_path / "query").mkdir()
    with pytest.raises(DataError, match="is empty"):
        data.read_sightings("market1501", tmp_path, "query")
    (tmp_path / "query" / "0005_c2_f0046985.jpg").touch()  # DukeMTMC-reID
    (sighting,) = data.read_sightings("market1501", tmp_path, "query")
    assert (sighting.person, sighting.camera) == ("0005", "2")
    (tmp_path / "query" / "me.jpg").touch()
    with pytest.raises(DataError, match=r"me.jpg is not named PERSON_cCAMERA"):
        data.read_sightings("market1501", tmp_path, "query")
    with pytest.raises(DataError, match="no folder bounding_box_train"):
        data.read_sightings("market1501", tmp_path, "train")


def test_msmt17_and_person_folders(tmp_path: Path) -> None:
    path = "0000/0000_000_01_0303morning_0015_0.jpg"
    (tmp_path / "list_query.txt").write_text(f"{path} 7\n")
    with pytest.raises(DataError, match="1 of the 1 files"):
        data.read_sightings("msmt17", tmp_path, "query")
    (tmp_path / "mask_test_v2" / "0000").mkdir(parents=True)
    (tmp_path / "mask_test_v2" / path).touch()
    (sighting,) = data.read_sightings("msmt17", tmp_path, "query")
    assert (sighting.person, sighting.camera) == ("7", "01")
    (tmp_path / "list_query.txt").write_text("0001.jpg 7\n")
    with pytest.raises(DataError, match=r"line 1 is '0001.jpg 7'; expected"):
        data.read_sightings("msmt17", tmp_path, "query")
    (tmp_path / "train" / "Ann").mkdir(parents=True)
    (tmp_path / "train" / "Ann" / "a.png").touch()
    (sighting,) = data.read_sightings("person_folders", tmp_path, "train")
    assert (sighting.person, sighting.camera) == ("Ann", None)


def crops_of(root: Path, pictures_per_person: int, seed: int = 0) -> Crops:
    sightings = data.read_sightings("market1501", root, "train")
    return Crops(sightings, Input(16, 32), pictures_per_person, 2, 0.1, 0.5, 0.2, 9, seed, True)


def test_a_batch_is_persons_by_pictures(persons_folder: Path) -> None:
    crops = crops_of(persons_folder, 4)
    labels = [crops.labels[crops.pick(k)] for k in range(40)]
    assert all(len(set(labels[i : i + 4])) == 1 for i in range(0, 40, 4))
    assert sorted(labels[::4]) == list(range(10))  # each person once in a round
    assert len({crops.pick(k) for k in range(40)}) == 40  # and each picture
    many = crops_of(persons_folder, 6)
    assert sorted({many.pick(k) for k in range(6)}) == sorted({many.pick(k) for k in range(4)})


def test_all_pictures_in_turn(persons_folder: Path) -> None:
    crops = crops_of(persons_folder, 0)
    first, second = ([crops.pick(k) for k in range(n, n + 40)] for n in (0, 40))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second


def test_a_sample_is_a_function_of_its_number(persons_folder: Path) -> None:
    a, b, c = (
        crops_of(persons_folder, 4),
        crops_of(persons_folder, 4),
        crops_of(persons_folder, 4, 1),
    )
    assert torch.equal(a[17][0], b[17][0])
    assert not torch.equal(a[17][0], c[17][0])
    assert a[17][0].shape == (3, 32, 16)


def test_held_out_persons_are_those_of_every_run(persons_folder: Path) -> None:
    held = []
    for seed in (0, 1):
        sets = ReidData(persons_folder, sets=["."], val_share=0.2, batch_size=2, seed=seed)
        held.append(set(sets.validation.persons))
        assert len(held[-1]) == 2
        assert not held[-1] & set(sets.samples.persons)
    assert held[0] == held[1]


def test_erasing_and_shifting() -> None:
    white, grey = np.full((64, 32, 3), 255, np.uint8), np.full(3, 9, np.uint8)
    areas = []
    for seed in range(200):
        out = erase(np.random.default_rng(seed), white, grey)
        ys, xs = np.nonzero(out[..., 0] == 9)
        if len(ys):
            height, width = np.ptp(ys) + 1, np.ptp(xs) + 1
            assert height * width == len(ys)
            areas.append(len(ys) / out[..., 0].size)
    assert 70 < len(areas) < 130
    assert 0.01 < min(areas) < max(areas) < 0.42
    assert white.min() == 255
    moved = move(np.random.default_rng(2), white, 3, 0.0, grey)
    assert moved.shape == white.shape
    assert {9, 255} == set(np.unique(moved))
    assert move(np.random.default_rng(1), white, 0, 0.2, grey).shape == white.shape


def test_batch_hard_by_hand() -> None:
    x = torch.tensor([[0.0], [1.0], [3.0], [7.0]], requires_grad=True)
    persons = torch.tensor([0, 0, 1, 1])
    # farthest of the own, nearest of the others: 1−3, 1−2, 4−2, 4−6
    loss = batch_hard_triplet(x, persons, 0.5)
    assert loss.item() == pytest.approx((0 + 0 + 2.5 + 0) / 4)
    soft = batch_hard_triplet(x, persons)
    difference = torch.tensor([-2.0, -1.0, 2.0, -2.0])
    assert soft.item() == pytest.approx(F.softplus(difference).mean().item(), abs=1e-5)
    soft.backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert batch_hard_triplet(x, torch.zeros(4).long()).item() == 0  # nobody else to tell from
    same = torch.zeros(4, 2, requires_grad=True)
    batch_hard_triplet(same, persons).backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()


def test_cross_entropy_and_cosine_are_the_originals(goldens: Path) -> None:
    inputs = np.load(goldens / "losses_metrics_inputs.npz")
    expected = json.loads((goldens / "losses_metrics_torch.json").read_text())
    logits, targets = (torch.from_numpy(inputs[f"os_{n}"]) for n in ("logits", "targets"))
    for smoothing, name in ((0.1, "osnet_ce_ls"), (0.0, "osnet_ce_nols")):
        found = F.cross_entropy(logits, targets.long(), label_smoothing=smoothing)
        assert found.item() == pytest.approx(expected[name], abs=1e-5)
    theirs = json.loads((goldens / "losses_metrics_mindspore.json").read_text())
    rates = theirs["osnet_cosine_decay_lr(0,0.001,101*250,101,250)"]
    factor = cosine(rates["len"], every=101)
    for epoch, rate in ((0, rates["e0"]), (1, rates["e1"]), (10, rates["e10"])):
        assert 0.001 * factor(101 * epoch) == pytest.approx(rate, rel=1e-6)
        assert factor(101 * epoch + 100) == factor(101 * epoch)
    assert 0.001 * factor(25249) == pytest.approx(rates["e249"], rel=1e-3)


def test_at_first_the_classifier_learns_alone() -> None:
    network = torch.nn.Sequential()
    network.add_module("body", torch.nn.Linear(2, 2))
    network.add_module("classifier", torch.nn.Linear(2, 2))
    task = ReidTask(network, classifier_only_steps=5)
    for step, learns in ((4, False), (5, True)):
        task.trainer = type("At", (), {"global_step": step})()  # type: ignore[assignment]
        task.on_train_batch_start(None, 0)
        assert [p.requires_grad for p in network.parameters()] == [learns, learns, True, True]


def test_unreadable_crop(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"cannot decode the photo .*a.jpg"):
        Crops([Sighting(tmp_path / "a.jpg", "1")], Input(16, 32), 0, 0, 0, 0, 0, 0, 0, True)[0]
    Image.new("RGB", (5, 9)).save(tmp_path / "a.jpg")
    assert len(
        Crops([Sighting(tmp_path / "a.jpg", "1")], Input(16, 32), 0, 0, 0, 0, 0, 0, 0, False).labels
    )
