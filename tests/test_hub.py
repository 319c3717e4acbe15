"""Every card that ships says what it must, and its file is the one it describes."""

import re
from pathlib import Path

import numpy as np
import pytest

import figureground as fg
from figureground import hub, networks, published
from figureground.cli import main
from figureground.errors import CardError
from figureground.hub import digest
from figureground.hub.card import File, front_matter, parse

SHIPPED = [n for n in hub.names() if not any(f.sources for f in hub.card(n).files)]
PULLED = [n for n in hub.names() if n not in SHIPPED]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card(name: str, photo: np.ndarray) -> None:
    card = hub.card(name)
    assert card.name == name
    assert hub.local(card).stat().st_size <= 10e6
    assert {"code", "weights", "data", "commercial"} <= set(card.licences)
    assert card.figures
    for heading in ("Data", "Training", "Figures", "Limits", "Whom the photos show"):
        assert f"## {heading}" in card.text
    answer = fg.load(name)(photo)
    if card.output == "embedding":
        assert np.linalg.norm(answer) == pytest.approx(1, abs=1e-5)
    else:
        assert answer.mean() > 0.2


@pytest.mark.parametrize("name", PULLED)
def test_card_of_others_weights(name: str) -> None:
    card = hub.card(name)
    assert card.name == name
    assert card.network["name"] in networks.names()
    assert published.form(card.network["name"]).output == card.output
    assert {"code", "weights", "data", "commercial"} <= set(card.licences)
    assert all(source.startswith("https://") for file in card.files for source in file.sources)
    assert parse(f"---\n{front_matter(card)}---\n\n{card.text}\n", card.path) == card


def test_every_published_id_leads_to_its_file() -> None:
    """35 assets of the MindSpore Hub, some of them the same file."""
    ids = [i for n in PULLED if n.startswith("mindspore/") for i in (n, *hub.card(n).ids)]
    assert len(ids) == len(set(ids)) == 35
    assert hub.card("mindspore/1.9/u2net_dutstr").files[0].sha256.startswith("c3a725b159817161")
    old = hub.card("mindspore/1.6/semantichumanmatting_MattingHumanDatasets")
    assert old.files[0].sha256.startswith("1a11ded55674d275")
    assert hub.card("mindspore/1.3/osnet_msmt17") == hub.card("mindspore/1.10/osnet_msmt17")


MINDSPORE_CARD = """# osnet

---

model-name: osnet

train-dataset: market1501

evaluation: mAP83

mindspore-version: 1.10

asset:

-
    file-format: ckpt
    asset-link: <{link}>
    asset-sha256: {sha256}

license: Apache2.0

---

## Introduction
"""


def test_a_card_of_the_mindspore_hub_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "osnet.md"
    path.write_text(MINDSPORE_CARD.format(link="https://example.org/a/osnet.ckpt", sha256="0" * 64))
    card = hub.card(str(path))
    assert (card.name, card.task, card.output) == (
        "mindspore/1.10/osnet_market1501",
        "re-identification",
        "embedding",
    )
    assert card.files == (
        File("osnet.ckpt", "0" * 64, sources=("https://example.org/a/osnet.ckpt",)),
    )
    assert card.licences["commercial"] == "no"
    path.write_text(path.read_text().replace("model-name: osnet", "model-name: bert"))
    with pytest.raises(CardError, match=r"card of 'bert'.*osnet"):
        hub.card(str(path))
    path.write_text(path.read_text().replace("asset-sha256", "asset-md4"))
    with pytest.raises(CardError, match="not a whole MindSpore Hub card"):
        hub.card(str(path))


def test_the_documents_this_began_with(goldens: Path) -> None:
    seeds = sorted((goldens.parent / "seeds").glob("*.txt"))
    networks_of = []
    for path in seeds:
        if "PP-HumanSegV2" in path.read_text():
            with pytest.raises(CardError, match="is not a card"):
                hub.card(str(path))
        else:
            networks_of.append(hub.card(str(path)).network)
    assert [n["name"] for n in networks_of] == ["shm", "u2net", "refinenet101", "osnet_x1_0"]
    assert networks_of[1]["family"] == networks_of[2]["family"] == "mindspore"


def test_a_checkpoint_is_converted_once(
    goldens: Path,
    photo: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A real MindSpore file, by a MindSpore Hub card, pulled from a folder."""
    monkeypatch.setenv("FIGUREGROUND_HOME", str(tmp_path / "home"))
    file = goldens.parent / "checkpoints" / "mindspore_osnet_x1_0.ckpt"
    path = tmp_path / "card.md"
    address = "https://models.invalid/mindspore_osnet_x1_0.ckpt"
    path.write_text(MINDSPORE_CARD.format(link=address, sha256=digest.sha256(file)))
    assert main(["models", "pull", str(path), "--offline"]) == 1
    assert "offline" in capsys.readouterr().out
    assert main(["models", "pull", str(path), "--source", str(file.parent), "--offline"]) == 0
    said = capsys.readouterr()
    assert "converting mindspore/1.10/osnet_market1501" in said.err
    assert "commercial: no" in said.out
    vector = fg.load(path)(photo)
    assert vector.shape == (512,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert capsys.readouterr().err == ""
    assert main(["models", "verify", str(path)]) == 0
    assert capsys.readouterr().out.count("is as its card says") == 3
    assert main(["cutout", "none.jpg", "-o", "o.png", "--model", str(path)]) == 1
    assert "gives no mask" in capsys.readouterr().err
    assert main(["models", "prune"]) == 0
    assert not [p for p in (tmp_path / "home").rglob("*") if p.is_file() and p.suffix != ".lock"]


def test_models_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIGUREGROUND_HOME", str(tmp_path))
    assert main(["models"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(hub.names()) + 1
    assert main(["models", "list", "--task", "matting", "--commercial", "no"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["models", "list", "--task", "cooking"]) == 1
    assert main(["models", "info", "pp-humanseg-lite"]) == 0
    assert main(["models", "verify"]) == 0
    assert "pp-humanseg-lite.onnx is as its card says" in capsys.readouterr().out
    assert main(["models", "verify", "rembg/u2netp"]) == 1
    assert "models pull rembg/u2netp" in capsys.readouterr().out
    assert main(["models", "info"]) == 1
    assert "expected one of osnet-x0.25, pp-humanseg-lite, " in capsys.readouterr().err
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "old.onnx").write_bytes(b"old")
    assert main(["models", "prune", "--task", "matting"]) == 0
    assert (tmp_path / "files" / "old.onnx").exists()
    assert main(["models", "prune"]) == 0
    assert "removed" in capsys.readouterr().out
    assert not (tmp_path / "files" / "old.onnx").exists()


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    card = hub.card("pp-humanseg-lite")
    copy = tmp_path / card.path.name
    copy.write_bytes(card.path.read_bytes())
    with pytest.raises(CardError, match="should be at"):
        fg.load(str(copy))
    (tmp_path / card.files[0].name).write_bytes(hub.local(card).read_bytes()[:-1])
    with pytest.raises(CardError, match=r"sha256 .*, expected"):
        fg.load(str(copy))


def test_what_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    for text, message in {
        "no front matter": "is not a card",
        "---\nname: [\n---\n": "is not a card",
        "---\nname: a\ninput: {width: 8, height: 8}\n---\n": "missing or unknown entry",
        "---\ninput: {width: 8, height: 8, resize: crop}\n---\n": "resize 'crop'",
        "---\ninput: {widht: 8}\n---\n": "widht",
        "---\ninput: {width: 8, height: 8, std: [0, 1, 1]}\n---\n": "std above 0",
        "---\ninput: {width: 8, height: 8, mean: [0.5]}\n---\n": "three numbers",
        "---\ninput: {width: abc, height: 8}\n---\n": "width 'abc'; expected a whole number",
        "---\ninput: {width: 8, height: 8, mean: [0, 0, a]}\n---\n": "three numbers",
        "---\njust text\n---\n": "missing or unknown entry",
        "---\ninput: {width: 8, height: 8}\nfiles: [{name: a.onnx}]\n---\n": "no checksum",
        "---\ninput: {width: 8, height: 8}\nfiles: [{name: ../a, md5: b}]\n---\n": "another folder",
    }.items():
        path.write_text(text)
        with pytest.raises(CardError, match=message):
            hub.card(str(path))
    shipped = hub.card("u2netp").path.read_text()
    for old, new, message in (
        (r"sha256: .*", "sha256: 123", "expected text, in quotes"),
        (r"sharpness: .*", "sharpness: .nan", "sharpness nan; expected a number"),
        (r"offset: .*", "offset: abc", "offset 'abc'; expected a number"),
        (
            r"output: .*",
            "output: saliency\nclasses: cat",
            "classes 'cat'; expected a list of names",
        ),
    ):
        path.write_text(re.sub(old, new, shipped))
        with pytest.raises(CardError, match=message):
            hub.card(str(path))
    path.write_bytes(b"\xef\xbb\xbf" + shipped.encode())  # as Windows' editor leaves it
    assert hub.card(str(path)).name == "u2netp"
    (tmp_path / "recipe.yaml").write_text("")
    with pytest.raises(
        CardError, match="is a run folder; make a model of it by `figureground export"
    ):
        hub.card(str(tmp_path))
