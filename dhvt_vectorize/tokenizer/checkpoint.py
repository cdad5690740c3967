"""Checkpoint: a trained tokenizer as one file that describes itself.

In and out: a safetensors file (https://github.com/huggingface/safetensors) of the net's float32 tensors, named
`features.…`. Its metadata has one entry, `dhvt-vectorize`, a JSON object:

    version   of this layout, 1
    config    every setting of `TokenizerConfig`
    card      what it was trained on, how, and what it scored; at least the keys of `CARD_KEYS`
    sha256    over the tensors' names, types, shapes and bytes and the three entries above

Nothing in it is code, and nothing is used before the hash has been checked. The same content gives the same bytes: one
entry, because safetensors writes several in random order. Limits: float32 only, little-endian machines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import DeviceError, UsageError, WeightsError
from ..output import write_atomically
from .config import TokenizerConfig, default_weights_path
from .features import FeatureNet

FORMAT = "dhvt-vectorize"
VERSION = 1
CARD_KEYS = ("name", "trained_on", "method", "scores")
DEVICES = ("auto", "cpu", "cuda", "cuda:N")

_PREFIX = "features."
# what torch.save writes today, and what it wrote before: a zip archive, a bare pickle
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_USE_ANOTHER = "give a file that dhvt-vectorize wrote, or leave out --weights"
_GET_AGAIN = "get the file again, or leave out --weights"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that has been read and verified.

    Attributes:
        net: the feature net, in eval mode, on the device asked for.
        config: the tokenizer's settings.
        card: what the weights are, as JSON values.
        sha256: hash of all of it, as hex digits.
    """

    net: FeatureNet
    config: TokenizerConfig
    card: Mapping[str, Any]
    sha256: str


def save_checkpoint(path: str | Path, net: FeatureNet, config: TokenizerConfig, card: Mapping[str, Any]) -> str:
    """Write a checkpoint, whole or not at all; returns its SHA-256.

    Raises:
        ValueError: the net is not of the shape that `config` says, or holds NaN or infinity, or the card lacks one of
            `CARD_KEYS` or holds what JSON cannot.
        OutputError: the file cannot be written.
    """
    content, sha256 = encode_checkpoint(net, config, card)
    write_atomically(path, content)
    return sha256


def encode_checkpoint(net: FeatureNet, config: TokenizerConfig, card: Mapping[str, Any]) -> tuple[bytes, str]:
    """The bytes that `save_checkpoint` writes, and their SHA-256 entry."""
    tensors = {_PREFIX + name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    if fault := _fault(tensors, config):
        raise ValueError(f"the net does not fit a checkpoint: {fault}")
    if missing := [key for key in CARD_KEYS if key not in card]:
        raise ValueError(f"the card lacks {', '.join(missing)}")
    about = {"version": VERSION, "config": config.to_dict(), "card": dict(card)}
    sha256 = _digest(tensors, about)
    return save(tensors, metadata={FORMAT: _json({**about, "sha256": sha256})}), sha256


def load_checkpoint(path: str | Path | None = None, device: str | torch.device = "auto") -> Checkpoint:
    """Read and verify a checkpoint.

    Args:
        path: the file; None is the one that comes with the package.
        device: where the net goes, see `resolve_device`.

    Raises:
        WeightsError: missing or unreadable, not a checkpoint, of a newer version, truncated or altered, with an unknown
            setting, a tensor of another shape, or NaN.
        DeviceError, UsageError: see `resolve_device`.
    """
    path = default_weights_path() if path is None else Path(path)
    target = device if isinstance(device, torch.device) else resolve_device(device)
    tensors, about = _read(path)
    sha256 = about.pop("sha256", None)
    if sha256 != _digest(tensors, about):
        raise WeightsError(path, "does not match its recorded SHA-256: it is damaged or was altered", _GET_AGAIN)
    try:
        config = TokenizerConfig.from_dict(about["config"])
    except UsageError as error:
        cause = f"its setting {error.subject} cannot be used: {error.cause} ({error.remedy})"
        raise WeightsError(path, cause, _USE_ANOTHER) from error
    if fault := _fault(tensors, config):
        raise WeightsError(path, fault, _USE_ANOTHER)
    net = _blank(config)
    net.load_state_dict({name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items()})
    return Checkpoint(net.to(target).eval(), config, about["card"], sha256)


def resolve_device(name: str) -> torch.device:
    """The device of that name: one of `DEVICES`; auto is CUDA where there is one, else the CPU.

    Raises:
        UsageError: no such name.
        DeviceError: it is not there.
    """
    kind, colon, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (colon and not (kind == "cuda" and index.isascii() and index.isdigit())):
        raise UsageError("--device", f"no such value {name!r}", f"choose one of {', '.join(DEVICES)}")
    count = torch.cuda.device_count() if kind != "cpu" and torch.cuda.is_available() else 0
    if kind == "cpu" or (kind == "auto" and count == 0):
        return torch.device("cpu")
    if int(index or 0) >= count:
        there = "is not there" if count else "is not there: no usable CUDA device was found"
        known = ", ".join(["auto", "cpu", *(f"cuda:{number}" for number in range(count))])
        raise DeviceError(name, there, f"choose one of {known}")
    return torch.device(f"cuda:{int(index)}" if colon else "cuda")


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file and what it says about itself, of this version but not yet verified."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(_PICKLE_STARTS):
            cause = "is a PyTorch pickle, which can run code when it is opened"
            raise WeightsError(path, cause, "give a .safetensors file written by dhvt-vectorize")
        with safe_open(path, framework="pt") as archive:
            about = _about(path, (archive.metadata() or {}).get(FORMAT))
            return {name: archive.get_tensor(name) for name in archive.keys()}, about  # noqa: SIM118 (no mapping)
    except FileNotFoundError as error:
        raise WeightsError(path, "no such file", "check the path, or leave out --weights") from error
    except OSError as error:
        cause = f"cannot be read ({error.strerror or error})"
        raise WeightsError(path, cause, "give a checkpoint file that you may read") from error
    except SafetensorError as error:
        cause = f"is not a safetensors file, or is truncated ({error})"
        raise WeightsError(path, cause, _GET_AGAIN) from error


def _about(path: Path, entry: str | None) -> dict[str, Any]:
    if entry is None:
        raise WeightsError(path, "is a safetensors file, but no checkpoint of dhvt-vectorize", _USE_ANOTHER)
    try:
        about = json.loads(entry)
        version = about["version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsError(path, f"has an unreadable {FORMAT} entry ({error!r})", _GET_AGAIN) from error
    if isinstance(version, int) and version > VERSION:
        cause = f"has version {version} of the format, this program reads up to {VERSION}"
        raise WeightsError(path, cause, "update dhvt-vectorize, or leave out --weights")
    if version != VERSION or not all(isinstance(about.get(key), dict) for key in ("config", "card")):
        raise WeightsError(path, f"has an incomplete {FORMAT} entry", _GET_AGAIN)
    return dict(about)


def _fault(tensors: Mapping[str, Tensor], config: TokenizerConfig) -> str | None:
    """Why these tensors cannot be the net that `config` describes; None if they can."""
    expected = {_PREFIX + name: tensor for name, tensor in _blank(config).state_dict().items()}
    if missing := sorted(expected.keys() - tensors.keys()):
        return f"tensors are missing: {', '.join(missing)}"
    if unknown := sorted(tensors.keys() - expected.keys()):
        return f"unknown tensors {', '.join(unknown)}; the known ones are {', '.join(expected)}"
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or tensor.shape != expected[name].shape:
            found, wanted = f"{tensor.dtype} {tuple(tensor.shape)}", f"torch.float32 {tuple(expected[name].shape)}"
            return f"tensor {name} is {found}, its config says {wanted}"
        if not tensor.isfinite().all():
            return f"tensor {name} holds NaN or infinity"
    return None


def _blank(config: TokenizerConfig) -> FeatureNet:
    # random numbers are drawn for weights that are then replaced; the caller's generator must not notice
    with torch.random.fork_rng(devices=[]):
        return FeatureNet(config)


def _digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(_json(about).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
