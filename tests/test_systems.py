"""Every system by the same verbs: a smoke run, measured, exported, gone on with; on drawn pictures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from figureground import checkpoints, networks, recipes
from figureground.cli import main
from figureground.errors import DataError, RecipeError
from figureground.hub.digest import sha256
from figureground.published import TRIMAP
from figureground.training import systems
from figureground.training.fit import KeepBest
from figureground.training.matting import MattingTask
from figureground.training.run import run_card
from figureground.training.saliency import SaliencyTask
from figureground.training.semantic import SemanticTask
from figureground.training.smoke import smoke
from figureground.training.start import start_from

ONE_EACH = {
    "person-segmentation": "pp-humanseg-lite/people",
    "re-identification": "osnet-x0.25/cuhk",
    "saliency": "u2netp/saliency",
    "matting": "shm/people",
    "semantic-segmentation": "refinenet-mobile/parts",
}


def test_every_system_is_tested() -> None:
    assert set(ONE_EACH) == set(systems())


@pytest.mark.parametrize("recipe", ONE_EACH.values())
def test_smoke(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", recipe, "--smoke", "--run", str(tmp_path)]) == 0
    assert "step 4: " in capsys.readouterr().out
    leaves = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.[jp][pn]g")}
    assert leaves == {"curves.png", "pictures/step-000004.jpg"}
    assert list((tmp_path / "tensorboard").rglob("events.*"))


@pytest.mark.long
@pytest.mark.parametrize("recipe", [n for n in recipes.names() if n not in ONE_EACH.values()])
def test_smoke_of_every_other_recipe(recipe: str) -> None:
    assert main(["train", recipe, "--smoke"]) == 0


def small(recipe: str, folder: Path, *overrides: str) -> str:
    """A recipe file for drawn data in folder/drawn."""
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(smoke(recipes.load(recipe, overrides), folder)))
    return str(file)


@pytest.mark.long
@pytest.mark.parametrize(
    ("recipe", "better"),
    [("u2netp/saliency", -1), ("shm/people", 1), ("refinenet-mobile/parts", -1)],
)
def test_they_learn(recipe: str, better: int, tmp_path: Path) -> None:
    """After 60 steps on drawn people the figure gone by is better than after 3."""
    more = ["data.steps_per_epoch=3", "task.warmup_steps=0", "loop.ema=0.9"]
    more += ["network.num_classes=2"] if recipe.startswith("refinenet") else []
    found = []
    for steps in (3, 60):
        folder = tmp_path / str(steps)
        folder.mkdir()
        values = smoke(recipes.load(recipe, more), folder)
        values["loop"]["max_steps"] = values["data"]["steps_per_epoch"] = steps
        (folder / "small.yaml").write_text(yaml.safe_dump(values))
        assert main(["train", str(folder / "small.yaml"), "--run", str(folder / "run")]) == 0
        with safe_open(folder / "run" / "best.safetensors", "np") as weights:
            (figure,) = (float(v) for k, v in weights.metadata().items() if k != "step")
        found.append(figure)
    assert better * (found[0] - found[1]) > 0.1


RUNS = {  # output, classes, some figures
    "u2netp/saliency": ("saliency", 0, ["max_f", "mae", "relaxed_f"]),
    "shm/people": ("alpha", 0, ["sad", "mse", "conn"]),
    "refinenet-mobile/parts": ("class-logits", 11, ["miou", "miou_present", "iou background"]),
}


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder run of one step, with its recipe's name; drawn data beside it."""
    folder = tmp_path_factory.mktemp("system")
    more = ["loop.max_steps=1", "data.steps_per_epoch=1"]
    assert main(["train", small(request.param, folder), *more, "--run", str(folder / "run")]) == 0
    (folder / "run" / "name").write_text(request.param)
    return folder / "run"


def measured(model: Path, run: Path, *options: str) -> list[str]:
    where = ["--root", str(run.parent / "drawn"), "--data", "pairs", "--split", "test"]
    return ["evaluate", str(model), *where, *options]


def test_a_run_is_measured(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, classes, names = RUNS[(run / "name").read_text()]
    card = run_card(run)
    assert (card.output, len(card.classes)) == (output, classes)
    assert main(measured(run, run, "--json")) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {*names} <= figures.keys()
    assert main(measured(run, run, "--report", str(run / "report.html"))) == 0
    capsys.readouterr()
    page = (run / "report.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 2  # both photos
    assert "<h2>Training</h2>" in page
    assert ("<h2>Classes</h2>" in page) is (output == "class-logits")
    masks = output != "class-logits"
    assert main(measured(run, run, "--protocol", "published")) == int(not masks)
    shown = capsys.readouterr()
    assert ("by the published protocol" in shown.out) is masks
    assert masks or "--protocol published is for saliency and matting" in shown.err
    if masks:
        assert main(measured(run, run, "--measure", "people")) == 0
        assert "mean_iou" in capsys.readouterr().out


@pytest.mark.long
def test_a_card_answers_as_its_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-o", str(run), "--name", "card", "--storage", "float32"]
    assert main(["export", str(run), *options]) == 0
    assert f"output: {RUNS[(run / 'name').read_text()][0]}\n" in (run / "card.md").read_text()
    figures = []
    for model in (run, run / "card.md"):
        capsys.readouterr()
        assert main(measured(model, run, "--json")) == 0
        figures.append(json.loads(capsys.readouterr().out))
    for name in RUNS[(run / "name").read_text()][2]:
        assert figures[0][name] == pytest.approx(figures[1][name], abs=1e-3), name


def test_the_stages_of_matting_say_what_they_answer(tmp_path: Path) -> None:
    values = smoke(recipes.load("shm/aisegment-trimap"), tmp_path)
    for name in ("shm_trimap", "shm_matte"):
        values["network"] = {"name": name}
        run = tmp_path / name
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(values))
        assert main(["train", str(tmp_path / "small.yaml"), "--run", str(run)]) == 0
    card = run_card(tmp_path / "shm_trimap")
    assert (card.output, *card.classes) == ("class-logits", *TRIMAP)
    with pytest.raises(RecipeError, match="cannot answer for a photo alone"):
        run_card(tmp_path / "shm_matte")


@pytest.mark.parametrize(
    ("recipe", "task"),
    [
        ("shm/people", MattingTask),
        ("u2netp/saliency", SaliencyTask),
        ("refinenet-mobile/parts", SemanticTask),  # which draws its dropout
    ],
)
def test_going_on_is_exact(
    recipe: str,
    task: type[pl.LightningModule],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = small(recipe, tmp_path)
    step = task.training_step

    def fail(self: pl.LightningModule, *batch: object) -> torch.Tensor:
        if self.trainer.global_step == 3:
            raise DataError("the disk is gone")
        return step(self, *batch)  # type: ignore[arg-type]

    assert main(["train", recipe, "--run", str(tmp_path / "whole")]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(task, "training_step", fail)
        assert main(["train", recipe, "--run", str(tmp_path / "halves")]) == 1
    assert main(["train", recipe, "--run", str(tmp_path / "halves")]) == 0
    whole, halves = (
        load_file(tmp_path / name / "last.safetensors") for name in ("whole", "halves")
    )
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_starting_from_other_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage's weights; the published names; a classifier of other classes; another network's."""
    recipe = small("refinenet-mobile/parts", tmp_path)
    other = networks.build("refinenet_mobile", num_classes=5)
    save_file(other.state_dict(), tmp_path / "five.safetensors")
    save_file(networks.build("shm_trimap").state_dict(), tmp_path / "trimap.safetensors")
    start = ["train", recipe, "loop.max_steps=1", "data.steps_per_epoch=1"]
    assert main([*start, f"init={tmp_path}/five.safetensors", "--run", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert "2 mismatched: classifier.weight (has (5, " in shown
    wrong = [*start, f"init={tmp_path}/trimap.safetensors", "--run", str(tmp_path / "b")]
    assert main(wrong) == 1
    assert "do not fit the network refinenet_mobile: 0 tensors" in capsys.readouterr().err
    assert main([*start, "init=pp-humanseg-lite", "--run", str(tmp_path / "b")]) == 1
    assert "do not fit the network refinenet_mobile" in capsys.readouterr().err
    assert main([*start, "init=nope", "--run", str(tmp_path / "b")]) == 1
    assert "unknown model 'nope'" in capsys.readouterr().err


def test_starting_from_a_published_checkpoint(tmp_path: Path, goldens: Path) -> None:
    network = networks.build("u2netp")
    file = goldens.parent / "checkpoints" / "u2netp.pth"
    said = start_from(network, "u2netp", str(file), [])
    assert "798 tensors matched" in said


MINDSPORE_CARD = """# OSNet

---

model-name: osnet

train-dataset: market1501

evaluation: mAP83

mindspore-version: 1.10

asset:

-
    file-format: ckpt
    asset-link: <https://models.invalid/{name}>
    asset-sha256: {sha256}

license: Apache2.0

---
"""


def test_starting_from_a_mindspore_card_and_its_checkpoint(
    tmp_path: Path, goldens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A card of the MindSpore Hub with its file beside it, and the file alone, start a training of its
    network; no other network takes them."""
    original = goldens.parent / "checkpoints" / "mindspore_osnet_x1_0.ckpt"
    file, card = tmp_path / original.name, tmp_path / "card.md"
    shutil.copy(original, file)
    card.write_text(MINDSPORE_CARD.format(name=file.name, sha256=sha256(file)))
    recipe = small("osnet/market1501", tmp_path)
    start = [
        "train",
        recipe,
        "loop.max_steps=1",
        "data.steps_per_epoch=1",
        "network.num_classes=10",
    ]
    for number, init in enumerate((card, file)):
        run = tmp_path / f"run{number}"
        more = ["task.learning_rate=1e-9", f"init={init}", "--run", str(run)]
        assert main([*start, *more]) == 0
        shown = capsys.readouterr().out
        assert f"starting from {file}: 485 tensors matched; 2 mismatched: classifier.w" in shown
        learnt = load_file(run / "last.safetensors")["stem.conv.weight"].numpy()
        np.testing.assert_allclose(learnt, checkpoints.read(file)["conv1.conv.weight"], atol=1e-6)
    other = ["network.name=osnet_x0_25", f"init={card}", "--run", str(tmp_path / "none")]
    assert main([*start, *other]) == 1
    said = capsys.readouterr().err
    assert "do not fit the network osnet_x0_25: 5 tensors matched; 482 mismatched" in said
    with pytest.raises(RecipeError, match="do not fit the network u2netp: 0 tensors matched"):
        start_from(networks.build("u2netp"), "u2netp", str(card), [])
    assert not (tmp_path / "none").exists()


def test_frozen_parameters_and_fixed_batch_norms_stand_still(tmp_path: Path) -> None:
    recipe = small("refinenet-mobile/parts", tmp_path)
    frozen = "backbone.stem.conv"
    more = ["task.frozen=[backbone.stem.conv]", "task.fixed_batch_norm=true", "loop.ema=0"]
    more += ["task.warmup_steps=0", "loop.max_steps=2"]
    assert main(["train", recipe, *more, "--run", str(tmp_path / "run")]) == 0
    torch.manual_seed(0)
    start = networks.build("refinenet_mobile", num_classes=11).state_dict()
    learnt = load_file(tmp_path / "run" / "last.safetensors")
    same = {name for name, value in start.items() if torch.equal(value, learnt[name])}
    assert f"{frozen}.weight" in same
    assert all(name in same for name in start if "running_" in name)
    assert "backbone.stem.bn.weight" not in same
    assert "classifier.weight" not in same


def test_clipping_and_mixed_precision(tmp_path: Path) -> None:
    """A gradient clipped to nothing moves nothing; in bfloat16 almost the same is learnt."""
    more = ["task.optimizer=sgd", "task.weight_decay=0", "task.warmup_steps=0", "loop.ema=0"]
    recipe = small("refinenet-mobile/parts", tmp_path, *more)
    moved = {}
    for name, setting in (
        ("clipped", "loop.gradient_clip=1e-9"),
        ("plain", "loop.gradient_clip=0"),
        ("mixed", "loop.precision=bf16-mixed"),
    ):
        once = ["loop.max_steps=1", "data.steps_per_epoch=1", setting]
        assert main(["train", recipe, *once, "--run", str(tmp_path / name)]) == 0
        torch.manual_seed(0)
        start = networks.build("refinenet_mobile", num_classes=11).classifier.weight
        learnt = load_file(tmp_path / name / "last.safetensors")["classifier.weight"]
        moved[name] = (learnt - start).detach()
    assert moved["clipped"].abs().max() < 1e-7 < 1e-5 < moved["plain"].abs().max()
    assert not torch.equal(moved["mixed"], moved["plain"])
    assert torch.cosine_similarity(moved["mixed"].flatten(), moved["plain"].flatten(), 0) > 0.9


@pytest.mark.parametrize(
    ("recipe", "overrides", "message"),
    [
        ("u2netp/saliency", "network={name: shm}", "system saliency learns u2net, u2netp"),
        ("shm/people", "network={name: u2netp}", "system matting learns shm_trimap"),
        ("refinenet-mobile/parts", "network={name: shm}", "no classifier of pixels"),
        ("refinenet-mobile/parts", "network.num_classes=9", "give network.num_classes=11"),
        ("refinenet-mobile/parts", "task.frozen=[head]", "task.frozen has 'head'"),
        ("u2netp/saliency", "data.val_split=''; data.val_share=0", "data.val_share is 0"),
        ("u2netp/saliency", "data.least=0", "data.least is 0"),
        ("u2netp/saliency", "data.name=voc2012", "cannot read the list"),
        ("u2netp/saliency", "task.learning_rate=-1", "task.learning_rate is -1.0"),
        ("shm/people", "loop.monitor=max_f", "expected one of sad, mad, mse"),
        ("shm/people", "network.stage=both", "stage"),
    ],
)
def test_bad_recipes_end_in_one_line(
    recipe: str,
    overrides: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = small(recipe, tmp_path)
    assert main(["train", file, *overrides.split("; "), "--run", str(tmp_path / "run")]) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("figureground: ")


@pytest.mark.parametrize(("smaller", "best"), [(True, 0.2), (False, 0.9)])
def test_the_best_weights_are_those_of_the_best_figure(
    smaller: bool, best: float, tmp_path: Path
) -> None:
    keep = KeepBest(tmp_path, "sad", smaller)

    class Task:
        network = torch.nn.Linear(1, 1)

        def log_dict(self, figures: dict[str, float]) -> None: ...

    task, trainer = Task(), type("Trainer", (), {"global_step": 1, "world_size": 1})
    for value in (0.5, 0.2, 0.9, 0.4):
        task.metric = type("Metric", (), {"compute": lambda self, v=value: {"sad": v}})()  # type: ignore[attr-defined]
        with torch.no_grad():
            task.network.weight.fill_(value)
        keep.on_validation_epoch_end(trainer, task)  # type: ignore[arg-type]
    assert load_file(tmp_path / "best.safetensors")["weight"].item() == pytest.approx(best)


def test_recipes_verb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["recipes"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == recipes.names()
    assert main(["recipes", "show", "shm/people"]) == 0
    assert capsys.readouterr().out == recipes.text("shm/people")
    assert main(["recipes", "copy", "shm/people"]) == 0
    assert (tmp_path / "shm-people.yaml").read_text() == recipes.text("shm/people")
    assert main(["recipes", "copy", "shm/people"]) == 1
    capsys.readouterr()
    for wrong, message in (
        (["show"], "show needs a recipe; expected one of osnet"),
        (["list", "shm"], "did you mean: figureground recipes show shm"),
        (["show", "shm/people", "-o", "a.yaml"], "--output is for copy; leave it out of show"),
        (["copy", "shm/people", "-o", "a.txt"], "expected a name that ends with .yaml"),
    ):
        assert main(["recipes", *wrong]) == 1
        assert message in capsys.readouterr().err
