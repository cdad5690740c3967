"""A retrofitted model over its own patches is the original; over other tokens each sample's answer is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from vit_libraries import library

from dhvt_vectorize.errors import InputError, UsageError, WeightsError
from dhvt_vectorize.tokenizer.soft import near_regions
from dhvt_vectorize.vit.pretrained import load_backbone
from dhvt_vectorize.vit.retrofit import RetrofittedTransformer, load_retrofitted, retrofit
from dhvt_vectorize.vit.tokenizers import FixedPatches, HierarchicalRegions, QuadtreePatches

SMALL = {"embed_dim": 48, "depth": 3, "num_heads": 4, "num_classes": 7}
TIMM = {
    "vit": ("vit_tiny_patch16_224", {"img_size": 64, **SMALL}),
    "vit without a class token": ("vit_base_patch16_gap_224", {"img_size": 64, **SMALL}),
    "deit": ("deit_tiny_patch16_224", {"img_size": 64, **SMALL}),
    "deit, distilled": ("deit_tiny_distilled_patch16_224", {"img_size": 64, **SMALL}),
    "deit3": ("deit3_small_patch16_224", {"img_size": 64, **SMALL}),
    "dinov2": ("vit_small_patch14_dinov2", {"img_size": 56, **SMALL}),
    "dinov2 with registers": ("vit_small_patch14_reg4_dinov2", {"img_size": 56, **SMALL}),
    "clip": ("vit_base_patch16_clip_224", {"img_size": 64, **SMALL}),
    "naflex": ("naflexvit_base_patch16_gap", SMALL),
    "naflex, factorised": ("naflexvit_base_patch16_parfac_gap", SMALL),
    "naflex, attention pooling": ("naflexvit_base_patch16_map", SMALL),
}
TRANSFORMERS = ("ViTModel", "ViTForImageClassification", "Dinov2Model", "Dinov2ForImageClassification")

pytestmark = pytest.mark.usefixtures("one_thread")


def _timm(name: str) -> Any:
    torch.manual_seed(0)
    model, options = TIMM[name]
    return _stirred(library("timm").create_model(model, **options))


def _transformers(name: str) -> Any:
    transformers = library("transformers")
    torch.manual_seed(0)
    kind = transformers.ViTConfig if name.startswith("ViT") else transformers.Dinov2Config
    sizes = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 64, "patch_size": 16}
    return _stirred(getattr(transformers, name)(kind(intermediate_size=96, num_labels=7, **sizes)))


def _stirred(model: nn.Module) -> nn.Module:
    """Every parameter moved, so that none is zero or one by its start."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def _images(count: int, height: int = 64, width: int = 64) -> torch.Tensor:
    """Smooth pictures of byte values."""
    noise = torch.rand(count, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(1))
    grown = nn.functional.interpolate(noise, (height, width), mode="bicubic").clamp(0, 1)
    return (grown * 255).round() / 255


def _original(retrofitted: RetrofittedTransformer, images: torch.Tensor) -> torch.Tensor:
    found = retrofitted.model((images - retrofitted.mean) / retrofitted.deviation)
    if isinstance(found, torch.Tensor):
        return found
    if hasattr(found, "logits"):
        return found.logits
    return found.pooler_output


def _patched(model: Any, **settings: Any) -> RetrofittedTransformer:
    side = retrofit(model, FixedPatches()).anatomy.side
    return retrofit(model, FixedPatches(side), **settings).eval()


@torch.no_grad()
@pytest.mark.parametrize("name", TIMM)
def test_over_its_own_patches_a_model_of_timm_answers_as_before(name: str) -> None:
    retrofitted = _patched(_timm(name))
    side = 56 if "dinov2" in name else 64
    images = _images(2, side, side)
    torch.testing.assert_close(retrofitted(images), _original(retrofitted, images), atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_over_its_own_patches_a_model_of_transformers_answers_as_before(name: str) -> None:
    retrofitted = _patched(_transformers(name))
    images = _images(2)
    torch.testing.assert_close(retrofitted(images), _original(retrofitted, images), atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize(("name", "size"), [("naflex", (96, 48)), ("naflex, factorised", (48, 80))])
def test_places_are_resized_for_other_images_as_the_model_does(name: str, size: tuple[int, int]) -> None:
    retrofitted = _patched(_timm(name))
    images = _images(2, *size)
    torch.testing.assert_close(retrofitted(images), _original(retrofitted, images), atol=1e-4, rtol=0)


@torch.no_grad()
def test_dinov2_of_transformers_resizes_its_places_too() -> None:
    retrofitted = _patched(_transformers("Dinov2Model"), most_tokens=99)
    images = _images(2, 96, 48)
    torch.testing.assert_close(retrofitted(images), _original(retrofitted, images), atol=1e-4, rtol=0)


def _any_model() -> Any:
    """Whichever library is there."""
    try:
        return _transformers("Dinov2ForImageClassification")
    except pytest.skip.Exception:
        return _timm("vit")


@torch.no_grad()
@pytest.mark.parametrize("name", ["vit", "vit without a class token", "naflex", "naflex, attention pooling"])
def test_an_answer_over_any_tokens_is_the_same_in_any_batch(name: str) -> None:
    _same_in_any_batch(_timm(name))


@torch.no_grad()
@pytest.mark.parametrize("name", ["ViTForImageClassification", "Dinov2ForImageClassification"])
def test_an_answer_of_transformers_over_any_tokens_is_the_same_in_any_batch(name: str) -> None:
    _same_in_any_batch(_transformers(name))


def _same_in_any_batch(model: Any) -> None:
    images = _images(3)
    images[1] = 0.5
    for batching in ("padded", "bucketed"):
        retrofitted = retrofit(model, QuadtreePatches(16, least=2), batching=batching).eval()
        counts = [len(each) for each in retrofitted.inputs(images)]
        assert len(set(counts)) > 1
        together = retrofitted(images)
        for place in range(3):
            alone = retrofitted(images[place : place + 1])[0]
            torch.testing.assert_close(alone, together[place], atol=1e-4, rtol=1e-4)
        found = retrofitted.features(images)
        assert [len(each) - len(retrofitted.anatomy.prefix()) for each in found] == counts


@torch.no_grad()
def test_no_image_has_more_tokens_than_the_model_was_made_for_unless_asked() -> None:
    model, images = _any_model(), _images(1)
    fine = FixedPatches(8)
    assert len(retrofit(model, fine).inputs(images)[0]) == 16
    assert len(retrofit(model, fine, most_tokens=40).inputs(images)[0]) == 40
    assert len(retrofit(model, fine, most_tokens=99).inputs(images)[0]) == 64


def test_an_injected_mean_carries_a_gradient_to_the_shares_and_the_picture_elsewhere_learns() -> None:
    retrofitted = retrofit(_any_model(), HierarchicalRegions(tokens=6, weights="none"), masked=True)
    image = _images(1)[0]
    (labels,) = retrofitted.divide(image[None])
    near = near_regions(labels)
    share = torch.softmax(torch.zeros(near.exists.shape).masked_fill(~near.exists, -torch.inf), 1).requires_grad_()
    retrofitted.answers([retrofitted.soft_inputs(image, near, share)]).square().sum().backward()
    assert share.grad is not None
    assert (share.grad != 0).any()
    assert retrofitted.elsewhere.grad is not None
    assert (retrofitted.elsewhere.grad != 0).any()


@torch.no_grad()
def test_a_crop_is_whole_unless_it_is_masked() -> None:
    """Of a token whose box holds another's pixels, what is seen changes with these pixels if the crop is whole."""
    labels = np.zeros((64, 64), np.int32)
    labels[20:30, 20:30] = 1
    (image,) = _images(1)
    other = image.clone()
    other[:, 22:28, 22:28] = 1 - other[:, 22:28, 22:28]
    for masked in (False, True):
        model = retrofit(_any_model(), FixedPatches(), masked=masked)
        one, two = (model._vectors(model.inputs(each[None], [labels]))[0][-2] for each in (image, other))
        assert torch.allclose(one, two, atol=1e-4) == masked


@torch.no_grad()
def test_what_is_saved_is_loaded_and_the_model_itself_takes_its_part_back(tmp_path: Path) -> None:
    retrofitted = retrofit(_any_model(), QuadtreePatches(13), most_tokens=12, keep="information", masked=True).eval()
    retrofitted.elsewhere.normal_()
    retrofitted.save_pretrained(tmp_path / "saved")
    other = _any_model()
    for parameter in other.parameters():
        parameter.zero_()
    loaded = load_retrofitted(tmp_path / "saved", other).eval()
    images = _images(2)
    assert torch.equal(loaded(images), retrofitted(images))
    assert loaded.tokenizer == retrofitted.tokenizer

    plain = _any_model()
    state = retrofitted.state_dict()
    plain.load_state_dict({name[len("model.") :]: value for name, value in state.items() if name.startswith("model.")})


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="save_pretrained"):
        load_retrofitted(tmp_path, nn.Linear(1, 1))


def test_a_model_of_another_kind_and_images_of_another_shape_are_refused() -> None:
    with pytest.raises(UsageError, match=r"Linear: .* NaFlexVit"):
        retrofit(nn.Linear(2, 2), FixedPatches())
    with pytest.raises(InputError, match="give"):
        retrofit(_any_model(), FixedPatches())(torch.zeros(2, 4, 64, 64))


@pytest.mark.parametrize("name", ["eva02_tiny_patch14_224", "beit_base_patch16_224", "samvit_base_patch16"])
def test_models_whose_attention_knows_a_grid_are_refused(name: str) -> None:
    model = library("timm").create_model(name, embed_dim=48, depth=1, num_heads=4)
    with pytest.raises(UsageError, match="rotary or relative"):
        retrofit(model, FixedPatches())


def test_a_backbone_loads_from_a_file_and_says_so_where_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timm = library("timm")
    small = {"img_size": 32, "embed_dim": 24, "depth": 1, "num_heads": 2, "num_classes": 3}
    model = load_backbone("timm/vit_tiny_patch16_224", pretrained=False, **small)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    again = load_backbone("timm/vit_tiny_patch16_224", tmp_path / "weights.pth", **small)
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(WeightsError, match="no such file"):
        load_backbone("timm/vit_tiny_patch16_224", tmp_path / "absent.pth")
    with pytest.raises(UsageError, match="no such model"):
        load_backbone("timm/vit_of_no_size")
    with pytest.raises(UsageError, match="transformers/OWNER"):
        load_backbone("keras/vit")

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(WeightsError, match="without a network, download"):
        load_backbone("timm/vit_tiny_patch16_224")


def test_a_backbone_of_transformers_loads_from_a_folder_and_says_so_where_it_cannot(tmp_path: Path) -> None:
    model = _transformers("ViTForImageClassification")
    model.save_pretrained(tmp_path / "saved")
    again = load_backbone("transformers/anyone/vit", tmp_path / "saved")
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="give their path"):
        load_backbone("transformers/anyone/vit", tmp_path / "empty")


@torch.no_grad()
def test_a_uniform_partition_given_as_labels_needs_no_tokenizer() -> None:
    retrofitted = _patched(_any_model())
    images = _images(1)
    labels = [np.ascontiguousarray(FixedPatches(16)(np.zeros((64, 64, 3), np.uint8)))]
    assert torch.equal(retrofitted(images, labels), retrofitted(images))
