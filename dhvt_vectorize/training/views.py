"""A photograph → as it might have been taken too: from nearer or farther, in other light.

In: tensors of an image and its label maps. Out: the same, changed. For tasks whose answer does not depend on either, so
that few annotated photographs teach as much as more would. All randomness comes from the generator that is passed.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int32
from torch import Tensor
from torch.nn import functional

NEAREST = 1.4  # times as large, or as small
_CONTRAST, _LIGHT, _TINT = 0.3, 0.1, 0.06  # how far each goes to either side
_LEAST_SIDE = 16


def retaken(
    image: Float[Tensor, "1 C H W"], labels: Int32[Tensor, "A H W"], random: np.random.Generator
) -> tuple[Float[Tensor, "1 C H2 W2"], Int32[Tensor, "A H2 W2"]]:
    """The image and its label maps at another size, the image in other light; alpha stays."""
    times = math.exp(random.uniform(-1, 1) * math.log(NEAREST))
    height, width = (max(_LEAST_SIDE, round(side * times)) for side in image.shape[2:])
    image = functional.interpolate(image, (height, width), mode="bilinear", antialias=True)
    # nearest, since labels between two are a third one's; floats hold every label
    labels = functional.interpolate(labels[None].float(), (height, width), mode="nearest")[0].to(labels)
    contrast, light = 1 + _CONTRAST * random.uniform(-1, 1), _LIGHT * random.uniform(-1, 1)
    change = image.new_tensor(light + _TINT * random.uniform(-1, 1, 3))[:, None, None]
    colours = ((image[:, :3] - 0.5) * contrast + 0.5 + change).clamp(0, 1)
    image[:, :3] = colours
    return image, labels
