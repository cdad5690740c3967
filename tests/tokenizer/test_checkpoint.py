"""Checkpoints: what is saved is what is loaded, and nothing else is ever loaded."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load, save

from dhvt_vectorize.errors import DeviceError, DhvtError, OutputError, UsageError, WeightsError
from dhvt_vectorize.tokenizer import checkpoint as checkpoint_module
from dhvt_vectorize.tokenizer import config as config_module
from dhvt_vectorize.tokenizer.checkpoint import (
    CARD_KEYS,
    FORMAT,
    VERSION,
    encode_checkpoint,
    load_checkpoint,
    resolve_device,
    save_checkpoint,
)
from dhvt_vectorize.tokenizer.config import TokenizerConfig, default_weights_path
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import INITIAL_CARD, PARTS, initial_net

CARD = {"name": "test", "trained_on": "noise", "method": "none", "scores": {"psnr": 12.5}, "hours": [1, 2]}
SMALL = TokenizerConfig(context_width=4, context_depth=1, detail_width=4, border_price=0.75, rim_rule=False)


def small_net(seed: int = 0) -> FeatureNet:
    net = initial_net(SMALL, seed)
    with torch.no_grad():
        net.correct.bias += 0.5
    return net


def content() -> bytes:
    return encode_checkpoint(small_net(), SMALL, CARD)[0]


def described(file: bytes) -> dict[str, Any]:
    header = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
    return json.loads(header["__metadata__"][FORMAT])


def rewritten(
    tensors: Callable[[dict[str, torch.Tensor]], Any] = lambda tensors: None,
    about: Callable[[dict[str, Any]], Any] = lambda about: None,
    *,
    rehash: bool = True,
) -> bytes:
    """A checkpoint after its tensors and its description were changed in place, by default with a fitting hash."""
    all_tensors, all_about = load(content()), described(content())
    tensors(all_tensors)
    about(all_about)
    if rehash:
        all_about.pop("sha256", None)
        all_about["sha256"] = checkpoint_module._digest(all_tensors, all_about)
    return save(all_tensors, metadata={FORMAT: json.dumps(all_about)})


def pickled(**options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(small_net().state_dict(), buffer, **options)
    return buffer.getvalue()


def with_value(name: str, value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name].view(-1)[-1] = value

    return change


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a safetensors file"),
    "text": (lambda: b"these are no weights\n" * 9, "not a safetensors file"),
    "truncated in the header": (lambda: content()[:100], "truncated"),
    "truncated in the tensors": (lambda: content()[:-5], "truncated"),
    "too long": (lambda: content() + b"\0", "truncated"),
    "a pickle": (pickled, "pickle"),
    "an old pickle": (lambda: pickled(_use_new_zipfile_serialization=False), "pickle"),
    "another model's safetensors": (lambda: save({"a": torch.ones(3)}), "no checkpoint of dhvt-vectorize"),
    "metadata that is no JSON": (lambda: save({"a": torch.ones(3)}, metadata={FORMAT: "{"}), "unreadable"),
    "metadata that is a list": (lambda: save({"a": torch.ones(3)}, metadata={FORMAT: "[]"}), "unreadable"),
    "metadata nested without end": (
        lambda: save({"a": torch.ones(3)}, metadata={FORMAT: "[" * 100_000}),
        "unreadable",
    ),
    "no version": (lambda: rewritten(about=lambda about: about.pop("version")), "unreadable"),
    "a newer version": (lambda: rewritten(about=lambda about: about.update(version=VERSION + 1)), "update dhvt"),
    "a version that is no number": (lambda: rewritten(about=lambda about: about.update(version="1")), "incomplete"),
    "no card": (lambda: rewritten(about=lambda about: about.pop("card")), "incomplete"),
    "no hash": (lambda: rewritten(about=lambda about: about.pop("sha256"), rehash=False), "SHA-256"),
    "an altered weight": (lambda: rewritten(with_value("features.leave.bias", 3.0), rehash=False), "SHA-256"),
    "an altered setting": (
        lambda: rewritten(about=lambda about: about["config"].update(border_price=9.0), rehash=False),
        "SHA-256",
    ),
    "an altered score": (
        lambda: rewritten(about=lambda about: about["card"].update(scores={"psnr": 99.0}), rehash=False),
        "SHA-256",
    ),
    "an unknown setting": (
        lambda: rewritten(about=lambda about: about["config"].update(colour_space="hsv")),
        "colour_space.*known ones are channels, alpha_weight",
    ),
    "a setting out of its range": (
        lambda: rewritten(about=lambda about: about["config"].update(feature_scale=0)),
        "feature_scale.*from 1 to 128",
    ),
    "a missing tensor": (
        lambda: rewritten(lambda tensors: tensors.pop("features.enter.bias")),
        r"missing: features\.enter\.bias",
    ),
    "an unknown tensor": (
        lambda: rewritten(lambda tensors: tensors.update({"features.extra": torch.zeros(2)})),
        r"unknown tensors features\.extra",
    ),
    "a tensor of another shape": (
        lambda: rewritten(lambda tensors: tensors.update({"features.enter.bias": torch.zeros(5)})),
        r"features\.enter\.bias is .*\(5,\).*\(4,\)",
    ),
    "a tensor of another type": (
        lambda: rewritten(lambda tensors: tensors.update({"features.enter.bias": torch.zeros(4).half()})),
        "float16",
    ),
    "a net of another width": (
        lambda: rewritten(about=lambda about: about["config"].update(context_width=5)),
        "its config says",
    ),
    "NaN": (lambda: rewritten(with_value("features.enter.weight", float("nan"))), "NaN"),
    "infinity": (lambda: rewritten(with_value("features.enter.weight", float("inf"))), "NaN or infinity"),
}


class TestRoundTrip:
    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "my.safetensors"
        sha256 = save_checkpoint(path, small_net(), SMALL, CARD)
        loaded = load_checkpoint(path, "cpu")
        assert (loaded.config, loaded.card, loaded.sha256) == (SMALL, CARD, sha256)
        assert loaded.net.config == SMALL
        assert not loaded.net.training
        for name, tensor in small_net().state_dict().items():
            assert torch.equal(loaded.net.state_dict()[name], tensor)
        pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
        np.testing.assert_array_equal(
            loaded.net.feature_map(pixels).values, small_net().eval().feature_map(pixels).values
        )

    def test_the_same_content_gives_the_same_bytes(self, tmp_path: Path) -> None:
        files = [tmp_path / f"{number}.safetensors" for number in range(6)]
        for file in files:
            save_checkpoint(file, small_net(), SMALL, dict(reversed(CARD.items())))
        assert {file.read_bytes() for file in files} == {content()}

    def test_every_part_of_the_content_changes_the_hash(self) -> None:
        hashes = [
            encode_checkpoint(small_net(), SMALL, CARD)[1],
            encode_checkpoint(small_net(1), SMALL, CARD)[1],
            encode_checkpoint(small_net(), TokenizerConfig(**{**SMALL.to_dict(), "border_price": 0.5}), CARD)[1],
            encode_checkpoint(small_net(), SMALL, {**CARD, "scores": {}})[1],
        ]
        assert len(set(hashes)) == len(hashes)

    def test_other_tools_can_read_the_description(self, tmp_path: Path) -> None:
        path = tmp_path / "my.safetensors"
        save_checkpoint(path, small_net(), SMALL, CARD)
        with safe_open(path, framework="np") as archive:
            about = json.loads(archive.metadata()[FORMAT])
        assert about["card"] == CARD
        assert about["config"]["border_price"] == 0.75

    def test_a_file_that_lacks_a_newer_setting_gets_its_default(self, tmp_path: Path) -> None:
        path = tmp_path / "older.safetensors"
        path.write_bytes(rewritten(about=lambda about: about["config"].pop("effective_sample")))
        assert load_checkpoint(path).config.effective_sample == TokenizerConfig().effective_sample

    def test_loading_leaves_the_random_generator_alone(self) -> None:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        load_checkpoint()
        initial_net()
        assert torch.equal(torch.rand(3), expected)


class TestSaving:
    def test_a_net_that_is_not_what_the_config_says_is_not_saved(self, tmp_path: Path) -> None:
        path = tmp_path / "my.safetensors"
        with pytest.raises(ValueError, match="its config says"):
            save_checkpoint(path, small_net(), TokenizerConfig(context_depth=1), CARD)
        net = small_net()
        with torch.no_grad():
            net.enter.weight[0, 0] = float("nan")
        with pytest.raises(ValueError, match="NaN"):
            save_checkpoint(path, net, SMALL, CARD)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("key", CARD_KEYS)
    def test_a_card_that_does_not_say_what_the_weights_are_is_refused(self, key: str) -> None:
        with pytest.raises(ValueError, match=key):
            encode_checkpoint(small_net(), SMALL, {name: value for name, value in CARD.items() if name != key})

    def test_a_score_that_is_not_a_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="JSON"):
            encode_checkpoint(small_net(), SMALL, {**CARD, "scores": {"psnr": float("nan")}})

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="nowhere"):
            save_checkpoint(tmp_path / "nowhere" / "my.safetensors", small_net(), SMALL, CARD)


class TestBadFiles:
    @pytest.mark.parametrize(("make", "cause"), BAD_FILES.values(), ids=BAD_FILES)
    def test_a_bad_file_is_refused_with_its_name_and_cause(
        self, tmp_path: Path, make: Callable[[], bytes], cause: str
    ) -> None:
        path = tmp_path / "bad.safetensors"
        path.write_bytes(make())
        with pytest.raises(WeightsError, match=cause) as caught:
            load_checkpoint(path)
        assert caught.value.subject == str(path)
        assert "\n" not in str(caught.value)

    def test_the_change_in_these_files_is_what_makes_them_bad(self, tmp_path: Path) -> None:
        path = tmp_path / "good.safetensors"
        path.write_bytes(rewritten())
        assert load_checkpoint(path).card == CARD

    @settings(max_examples=150, deadline=None)
    @given(position=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
    def test_no_altered_byte_goes_unnoticed(
        self, tmp_path_factory: pytest.TempPathFactory, position: float, flip: int
    ) -> None:
        file = bytearray(content())
        index = int(position * len(file))
        tensors_start = 8 + int.from_bytes(file[:8], "little")
        # blanks that fill the header up to whole words mean nothing, and may become other blanks
        assume(not len(file[:tensors_start].rstrip()) <= index < tensors_start)
        file[index] ^= flip
        path = tmp_path_factory.mktemp("altered") / "altered.safetensors"
        path.write_bytes(file)
        with pytest.raises(WeightsError):
            load_checkpoint(path)

    def test_a_missing_file_and_a_folder_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="no such file"):
            load_checkpoint(tmp_path / "missing.safetensors")
        with pytest.raises(WeightsError, match="directory"):
            load_checkpoint(tmp_path)

    @pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
    def test_a_file_without_read_permission_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "locked.safetensors"
        path.write_bytes(content())
        path.chmod(0)
        with pytest.raises(WeightsError, match="denied"):
            load_checkpoint(path)

    def test_a_pickle_is_not_run(self, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> Any:
                return (Path.touch, (tmp_path / "ran",))

        path = tmp_path / "trap.pt"
        torch.save({"features.enter.bias": Trap()}, path)
        with pytest.raises(WeightsError, match="pickle"):
            load_checkpoint(path)
        assert not (tmp_path / "ran").exists()


def test_training_begins_with_lab_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        subprocess.run([sys.executable, "-m", "dhvt_vectorize.tokenizer.initial", tmp_path / name], check=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    loaded = load_checkpoint(tmp_path / "one", "cpu")
    assert loaded.config == TokenizerConfig()
    assert loaded.card == INITIAL_CARD
    white = np.full((1, 1, 4), 255, np.uint8)
    assert loaded.net.feature_map(white).values.tolist() == [[[1600, 0, 0, 4000, 0]]]


class TestDefaultWeights:
    def test_they_are_found_verified_and_trained(self) -> None:
        loaded = load_checkpoint()
        assert set(CARD_KEYS) <= loaded.card.keys()
        assert loaded.card["name"] == "dhvt-base"
        assert loaded.net.is_trained

    def test_what_is_calibrated_or_learned_since_is_all_that_differs_from_the_default_settings(self) -> None:
        shipped, default = load_checkpoint().config.to_dict(), TokenizerConfig().to_dict()
        calibrated = {"learned_gain", "learned_photographs", "drawn_colour"}
        differs = {name for name, value in shipped.items() if value != default[name]}
        assert differs <= calibrated | PARTS["doubling"].keys()

    def test_the_copy_inside_the_package_goes_before_the_one_beside_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shipped = default_weights_path()
        package = tmp_path / "site-packages" / "dhvt_vectorize"
        monkeypatch.setattr(config_module, "__file__", str(package / "tokenizer" / "config.py"))
        with pytest.raises(WeightsError, match="missing"):
            default_weights_path()
        for folder in (package.parent / "weights", package / "weights"):
            folder.mkdir(parents=True)
            shutil.copy(shipped, folder)
            assert default_weights_path().parent == folder


class TestDevices:
    def test_the_cpu_is_always_there(self) -> None:
        assert resolve_device("cpu") == torch.device("cpu")

    @pytest.mark.parametrize(("count", "expected"), [(0, "cpu"), (2, "cuda")])
    def test_auto_is_cuda_where_there_is_one(self, monkeypatch: pytest.MonkeyPatch, count: int, expected: str) -> None:
        pretend_cuda(monkeypatch, count)
        assert resolve_device("auto") == torch.device(expected)

    def test_a_numbered_device_is_that_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pretend_cuda(monkeypatch, 2)
        assert resolve_device("cuda:1") == torch.device("cuda", 1)
        with pytest.raises(DeviceError, match=r"cuda:2.*choose one of auto, cpu, cuda:0, cuda:1"):
            resolve_device("cuda:2")

    def test_cuda_that_is_not_there_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pretend_cuda(monkeypatch, 0)
        for name in ("cuda", "cuda:0"):
            with pytest.raises(DeviceError, match="not there"):
                load_checkpoint(None, name)

    @pytest.mark.parametrize("name", ["gpu", "CPU", "", "cpu:0", "auto:1", "cuda:", "cuda:x", "cuda:-1", "cuda:²"])
    def test_an_unknown_name_is_refused_with_the_known_ones(self, name: str) -> None:
        with pytest.raises(UsageError, match="auto, cpu, cuda, cuda:N"):
            resolve_device(name)


class TestConfig:
    def test_a_dictionary_and_back(self) -> None:
        assert TokenizerConfig.from_dict(SMALL.to_dict()) == SMALL
        assert json.loads(json.dumps(SMALL.to_dict())) == SMALL.to_dict()

    @pytest.mark.parametrize(
        "setting",
        [
            {"channels": 3},
            {"channels": 4.0},
            {"channels": True},
            {"feature_scale": 129},
            {"variance_floor": 0.0},
            {"variance_floor": "4"},
            {"border_price": float("nan")},
            {"effective_sample": float("inf")},
            {"rim_rule": 1},
            {"border_exponent": None},
            {"learned_photographs": 0.0},
        ],
        ids=str,
    )
    def test_a_value_out_of_range_or_of_another_type_is_refused(self, setting: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match=next(iter(setting))):
            TokenizerConfig(**setting)

    def test_a_whole_number_does_where_a_fraction_may_stand(self) -> None:
        assert TokenizerConfig(variance_floor=4) == TokenizerConfig(variance_floor=4.0)

    def test_its_errors_are_the_users(self) -> None:
        with pytest.raises(DhvtError) as caught:
            TokenizerConfig.from_dict({"no_such": 1})
        assert caught.value.exit_code == 2
        assert "effective_sample" in str(caught.value)


def pretend_cuda(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
