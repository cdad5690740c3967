"""An image → as it might have been too: from nearer or farther, in other light, in other colours, at half its size.

For tasks whose answer does not depend on these, so that few images teach as much as more would. All randomness comes
from the generator that is passed.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int32, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .degrade import REDUCING, Resampling

NEAREST = 1.4  # times as large, or as small
_CONTRAST, _LIGHT, _TINT = 0.3, 0.1, 0.06  # how far each goes to either side
_LEAST_SIDE = 16
# most drawings are rasterised at the size they have, which is hardly other than the mean of smaller pixels
_REDUCING = (Resampling.BOX,) * 2 + REDUCING


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


def halved(
    premultiplied: UInt8[np.ndarray, "H W 4"], random: np.random.Generator | None
) -> tuple[UInt8[np.ndarray, "H2 W2 4"], UInt8[np.ndarray, "H1 W1 4"]]:
    """The image at half its size, and the image of even sides.

    Args:
        premultiplied: at least 2×2 pixels.
        random: reduces it in any way, with its colours exchanged and turned to their opposites; None takes the means.
    """
    whole = premultiplied[: premultiplied.shape[0] // 2 * 2, : premultiplied.shape[1] // 2 * 2]
    reducing = Resampling.BOX
    if random is not None:
        reducing = _REDUCING[random.integers(len(_REDUCING))]
        whole = whole[..., [*random.permutation(3), 3]]
        if random.integers(2):
            whole = np.concatenate([whole[..., 3:] - whole[..., :3], whole[..., 3:]], 2)
    whole = np.ascontiguousarray(whole)
    # "RGBa" is premultiplied
    image = Image.fromarray(whole, "RGBa").resize((whole.shape[1] // 2, whole.shape[0] // 2), reducing)
    return np.array(image), whole
