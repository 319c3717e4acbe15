"""Every registered network: shapes, training, odd sizes, batches, saving; parity where proven."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from figureground import networks
from figureground.networks import pp_humansegv2_lite as lite

NAMES = networks.names()


@pytest.fixture(scope="module", params=NAMES)
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return networks.build(request.param)


@pytest.mark.parametrize("size", [(64, 64), (97, 65), (33, 160)])
def test_eval_keeps_the_size(network: torch.nn.Module, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        output = network.eval()(torch.randn(2, 3, *size))
    assert output.shape == (2, 2, *size)
    assert output.isfinite().all()


def test_training_reaches_every_parameter(network: torch.nn.Module) -> None:
    levels = network.train()(torch.randn(2, 3, 64, 64))
    assert [level.shape for level in levels] == [(2, 2, 64, 64)] * len(levels)
    sum(level.square().mean() for level in levels).backward()
    unused = {n for n, p in network.named_parameters() if p.grad is None}
    if len(levels) == 3:  # the published portrait net carries the last backbone stage unused
        unused = {
            n for n in unused if not n.startswith(("backbone.blocks.12", "backbone.blocks.13"))
        }
        unused = {n for n in unused if not n.startswith("backbone.blocks.14")}
    assert not unused


def test_batch_equals_singles(network: torch.nn.Module) -> None:
    images = torch.randn(3, 3, 64, 96)
    with torch.inference_mode():
        together = network.eval()(images)
        singly = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(together, singly, atol=1e-5, rtol=1e-5)


def test_saved_and_loaded_is_the_same(network: torch.nn.Module, tmp_path: Path) -> None:
    from figureground.training.fit import load_weights, save_weights

    save_weights(network, tmp_path / "w.safetensors", {})
    other = type(network)(levels=len(network.heads))
    load_weights(other, tmp_path / "w.safetensors")
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network.eval()(image), other.eval()(image))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'nope'.*pp_humansegv2_lite"):
        networks.build("nope")
    with pytest.raises(ValueError, match="levels is 5"):
        networks.build("pp_humansegv2_lite", levels=5)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 8), (6, 6), (9, 16)])
def test_adaptive_average_is_torchs(size: tuple[int, int]) -> None:
    x = torch.randn(2, 5, *size)
    for bin in (1, 2, 4):
        expected = torch.nn.functional.adaptive_avg_pool2d(x, bin)
        torch.testing.assert_close(lite.adaptive_average(x, bin), expected)


@pytest.mark.parametrize("shape", ["human", "portrait"])
@pytest.mark.parametrize("kind", ["calm", "calm_blk"])
def test_pp_humansegv2_lite_equals_paddleseg(goldens: Path, shape: str, kind: str) -> None:
    """All heads, auxiliary ones included, within 1e-4 of PaddleSeg's logits."""
    size = {"human": "1x3x192x192", "portrait": "1x3x144x256"}[shape]
    base = goldens / f"paddle_pphumansegv2_lite_{shape}_{kind}_{size}"
    listing, outputs = json.loads(Path(f"{base}.json").read_text()), np.load(f"{base}.npz")
    sys.path.insert(0, str(goldens))
    import weights_from_names as rule

    tensors = {
        t["name"]: rule.make(
            t["name"], t["shape"], t["rule"], t.get("fan_in"), t.get("extra_scale") or 1.0
        )
        for t in listing["tensors"]
    }
    network = lite.PPHumanSegV2Lite(levels=lite.levels_of(tensors)).eval()
    state = {name: torch.from_numpy(a) for name, a in lite.from_paddle(tensors).items()}
    result = network.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in result.missing_keys)
    make_input = rule.inp_blk if kind == "calm_blk" else rule.inp
    image = torch.from_numpy(make_input(listing["input_shape"]))
    with torch.inference_mode():
        logits = [network(image)]
        levels = network.pyramid(image)
        for head, level in zip(network.heads[1:], levels[1:], strict=True):
            logits.append(lite.resize(head(level), image.shape[2:]))
    for name, found in zip(("logits", "aux1", "aux2", "aux3"), logits, strict=False):
        assert np.abs(found.numpy() - outputs[name]).max() < 1e-4, name
    assert len(logits) == len(outputs.files) == {"human": 4, "portrait": 3}[shape]
