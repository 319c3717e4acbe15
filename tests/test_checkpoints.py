"""Foreign checkpoints: every variant read exactly, hostile ones refused, damaged ones survived."""

import importlib
import os
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

import figureground as fg
from figureground.checkpoints import mindspore
from figureground.errors import CheckpointError

TINY = Path(__file__).parent / "checkpoints"

# file -> file of its true values
WHOLE = {
    "mindspore_2.0.ckpt": "mindspore_2.0_values.npz",
    "mindspore_2.0_meta.ckpt": "mindspore_2.0_values.npz",
    "mindspore_2.0_sliced.ckpt": "mindspore_2.0_values.npz",
    "mindspore_2.10.ckpt": "mindspore_2.10_values.npz",
    "mindspore_2.10.safetensors": "mindspore_2.10_values.npz",
    "mindspore_2.10_meta.ckpt": "mindspore_2.10_values.npz",
    "mindspore_2.10_crc.ckpt": "mindspore_2.10_values.npz",
    "paddle_2.6.pdparams": "paddle_2.6_values.npz",
    "paddle_2.6_protocol2.pdparams": "paddle_2.6_values.npz",
    "paddle_3.3.pdparams": "paddle_3.3_values.npz",
    "paddle_3.3_protocol2.pdparams": "paddle_3.3_values.npz",
    "torch.pth": "torch_values.npz",
    "torch_legacy.pth": "torch_values.npz",
    "torchreid.pth.tar": "torch_values.npz",
    "torchreid_legacy.pth.tar": "torch_values.npz",
}


@pytest.mark.parametrize("name", WHOLE)
def test_values_are_exact(name: str) -> None:
    expected = np.load(TINY / WHOLE[name])
    found = fg.checkpoints.read(TINY / name)
    assert set(found) == set(expected.files)
    for key in expected.files:
        assert found[key].dtype == expected[key].dtype, key
        np.testing.assert_array_equal(found[key], expected[key], key)


@pytest.mark.parametrize("version", ["2.0", "2.10"])
def test_optimizer_state_is_set_aside(version: str) -> None:
    found = fg.checkpoints.read(TINY / f"mindspore_{version}_adam.ckpt")
    assert not [name for name in found if "moment" in name or "power" in name]
    assert {"conv.weight", "fc.bias"} <= set(found)


@pytest.mark.parametrize("version", ["2.0", "2.10"])
def test_appended_scalars(version: str) -> None:
    found = mindspore.read_all(memoryview((TINY / f"mindspore_{version}_meta.ckpt").read_bytes()))
    extra = {name: found[name] for name in ("epoch_num", "step_num", "lr", "done")}
    assert extra == {"epoch_num": 3, "step_num": 101, "lr": 0.5, "done": True}


def test_strings_and_small_types() -> None:
    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    tensor = b"\x08\x00" + field(2, b"str") + field(3, "grüße".encode("utf-32-le"))
    entry = field(1, field(1, b"note") + field(2, tensor))
    assert mindspore.read_all(memoryview(entry)) == {"note": "grüße"}
    found = fg.checkpoints.read(TINY / "mindspore_2.10_dtypes.ckpt")
    assert found["half"].dtype == np.float16
    assert found["ints"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_types_views_and_order(tmp_path: Path, zipped: bool) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    state = {
        "view": base[1:3, ::2],
        "transposed": base.T,
        "shared": base,
        "bfloat16": torch.tensor([1.0, -2.5], dtype=torch.bfloat16),
        "half": torch.tensor([0.5], dtype=torch.half),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(7),
        "none": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    path = tmp_path / "a.pth"
    torch.save({"state_dict": state, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    found = fg.checkpoints.read(path)
    assert set(found) == set(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name], tensor.detach().float().numpy(), name)


def test_paddle_parts_of_big_arrays_are_joined(tmp_path: Path) -> None:
    import pickle

    big = np.arange(12, dtype=np.float32).reshape(3, 4)
    state = {
        "w@@.0": big.ravel()[:7],
        "w@@.1": big.ravel()[7:],
        "b": np.ones(2, np.float32),
        "UnpackBigParamInfor@@": {"w": {"OriginShape": (3, 4), "slices": ["w@@.0", "w@@.1"]}},
    }
    path = tmp_path / "a.pdparams"
    path.write_bytes(pickle.dumps(state, protocol=2))
    found = fg.checkpoints.read(path)
    assert set(found) == {"w", "b"}
    np.testing.assert_array_equal(found["w"], big)


@pytest.mark.parametrize(
    "name", ["evil.pdparams", "evil.pth", "evil_legacy.pth", "whole_module.pth"]
)
def test_nothing_is_executed(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[object] = []
    for module in (os, importlib.import_module(os.name if os.name == "nt" else "posix")):
        monkeypatch.setattr(module, "system", ran.append)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"wants to run .*; refused"):
        fg.checkpoints.read(TINY / name)
    assert not ran
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot read"),
        (b"hello, I am text", "no checkpoint of a known format"),
        (b"PK\x03\x04 not really", "zip file is damaged"),
        ((TINY / "mindspore_2.10_encrypted.ckpt").read_bytes(), "is encrypted"),
        ((TINY / "paddle_3.3.pdopt").read_bytes(), "optimizer state"),
        ((TINY / "mindspore_2.10_crc.ckpt").read_bytes().replace(b"conv", b"conw"), "CRC-32"),
        ((99).to_bytes(8, "little") + b"{}", "cut short"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        fg.checkpoints.read(path)
    with pytest.raises(CheckpointError, match="No such file"):
        fg.checkpoints.read(tmp_path / "none")


def test_damaged_files_give_an_error_or_arrays(tmp_path: Path) -> None:
    """300 variants with flipped bytes or cut short: no other error, no hang, no memory to speak of."""
    rng = np.random.default_rng(0)
    names = sorted(p.name for p in TINY.iterdir() if p.suffix not in (".npz", ".md"))
    path = tmp_path / "damaged"
    refused = 0
    for number in range(300):
        content = bytearray((TINY / names[number % len(names)]).read_bytes())
        if number % 3 == 0:
            content = content[: rng.integers(1, len(content))]
        else:
            for place in rng.integers(0, len(content), rng.integers(1, 9)):
                content[place] = rng.integers(256)
        path.write_bytes(content)
        tracemalloc.start()
        try:
            for value in fg.checkpoints.read(path).values():
                assert isinstance(value, np.ndarray)
        except CheckpointError:
            refused += 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40 * len(content) + 1_000_000, names[number % len(names)]
    assert refused > 100


def test_large_files_hold_the_values_they_were_made_from(goldens: Path) -> None:
    import sys

    sys.path.insert(0, str(goldens))
    import weights_from_names as rule

    large = goldens.parent / "checkpoints"
    found = fg.checkpoints.read(large / "u2netp.pth")
    assert len(found) == 798
    name = "stage1.rebnconv1.conv_s1.weight"
    shape = found[name].shape
    expected = rule.make(name, shape, "weight", int(np.prod(shape[1:])))
    np.testing.assert_array_equal(found[name], expected)
    for file, count in (
        ("mindspore_osnet_x1_0.ckpt", 487),
        ("paddle_pphumansegv2_lite_portrait.pdparams", 426),
    ):
        tensors = fg.checkpoints.read(large / file)
        assert len(tensors) == count
        name = next(n for n in tensors if n.endswith("conv.weight"))
        shape = tensors[name].shape
        expected = rule.make(name, shape, "weight", int(np.prod(shape[1:])))
        np.testing.assert_array_equal(tensors[name], expected)


def test_crc_is_over_all_but_the_trailer() -> None:
    content = (TINY / "mindspore_2.10_crc.ckpt").read_bytes()
    assert zlib.crc32(content[:-17]) == int.from_bytes(content[-10:], "big")
