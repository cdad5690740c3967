"""The name of a pretrained Vision Transformer → the model, by timm's and transformers' own loaders.

Names begin with the library: `timm/vit_small_patch16_224.augreg_in21k`, `transformers/facebook/dinov2-small`. Weights
come from the library's hub and its local cache, or from a file (timm) or a folder (transformers) given.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import UsageError, WeightsError


def load_backbone(
    name: str, weights: str | Path | None = None, *, pretrained: bool = True, **options: Any
) -> nn.Module:
    """The model of that name.

    Args:
        name: LIBRARY/MODEL, of timm or transformers.
        weights: a checkpoint for timm, a folder for transformers; None asks the library.
        pretrained: False starts timm's models at random.
        options: what the library's own loader takes besides, such as `num_classes`.

    Raises:
        UsageError: another library, one that is not installed, or no such model.
        WeightsError: the weights are not there, cannot be fetched, or do not fit.
    """
    library, _, model = name.partition("/")
    if library not in ("timm", "transformers") or not model:
        raise UsageError(name, "names no model", "give timm/MODEL or transformers/OWNER/MODEL")
    try:
        module: Any = importlib.import_module(library)
    except ImportError as error:
        raise UsageError(library, "is not installed", "pip install 'dhvt-vectorize[vit]'") from error
    if weights is not None and not Path(weights).exists():
        raise WeightsError(weights, "there is no such file", "give weights that were downloaded")
    return (
        _of_timm(module, model, weights, pretrained, options)
        if library == "timm"
        else _of_transformers(module, model, weights, options)
    )


def _of_timm(timm: Any, model: str, weights: str | Path | None, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    if not timm.is_model(model.partition(".")[0]):
        raise UsageError(model, "timm has no such model", f"see timm.list_models('*{model.partition('_')[0]}*')")
    try:
        if weights is not None:
            made: nn.Module = timm.create_model(model, checkpoint_path=str(weights), **options)
        else:
            made = timm.create_model(model, pretrained=pretrained, **options)
    except Exception as error:
        raise _unusable(model if weights is None else weights, error) from error
    return made


def _of_transformers(transformers: Any, model: str, weights: str | Path | None, options: dict[str, Any]) -> nn.Module:
    place = model if weights is None else str(weights)
    try:
        made: nn.Module = transformers.AutoModelForImageClassification.from_pretrained(place, **options)
    except Exception as error:
        raise _unusable(place, error) from error
    return made


def _unusable(weights: object, error: Exception) -> WeightsError:
    reason = (str(error) or type(error).__name__).splitlines()[0][:160]
    remedy = "without a network, download the weights elsewhere and give their path, or fill the library's cache"
    return WeightsError(weights, f"cannot be loaded ({reason})", remedy)
