"""The forward pass of EfficientNet-Lite from weights by name, its batch norms folded into the convolutions.

Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; the Lite variant is without
squeeze-and-excitation and has ReLU6 in place of swish.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

EPSILON: Final = 1e-3
LITE0_STRIDES: Final = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""Of the depthwise convolution of each block; everything else shows in the shapes of the weights."""


@dataclass(frozen=True)
class _Convolution:
    """One convolution with its batch norm folded in, padded as TensorFlow pads."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    groups: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[n, channels, height, width] -> [n, filters, height / stride, width / stride], rounded up."""
        from torch.nn.functional import conv2d, pad

        kernel = self.weight.shape[-1]
        around = [max((-(-side // self.stride) - 1) * self.stride + kernel - side, 0) for side in x.shape[-2:]]
        high, wide = around
        if self.stride == 1:  # the padding is the same on both sides
            return conv2d(x, self.weight, self.bias, 1, kernel // 2, groups=self.groups)
        padded = pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        return conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


class EfficientNetLite:
    """EfficientNet-Lite for inference, without its classifier.

    Args:
        weights: By the names of the PyTorch port: `_conv_stem`, `_blocks.0._depthwise_conv`, `_bn1` ...
        strides: Of the blocks.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], strides: tuple[int, ...] = LITE0_STRIDES) -> None:
        self._stem = _folded(weights, "_conv_stem", "_bn0", stride=2)
        self._head = _folded(weights, "_conv_head", "_bn1")
        self._blocks = [_block(weights, f"_blocks.{place}", stride) for place, stride in enumerate(strides)]

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Mean over places of the last layer: float32 [n, 3, height, width], normalized -> [n, size]."""
        from torch.nn.functional import relu6

        x = relu6(self._stem(pixels))
        for steps in self._blocks:
            before = x
            for convolution in steps[:-1]:
                x = relu6(convolution(x))
            x = steps[-1](x)
            x = x + before if x.shape == before.shape else x
        return relu6(self._head(x)).mean(dim=(2, 3))


def _block(weights: Mapping[str, torch.Tensor], name: str, stride: int) -> list[_Convolution]:
    """Widening where there is one, depthwise, narrowing."""
    wide = (
        [_folded(weights, f"{name}._expand_conv", f"{name}._bn0")] if f"{name}._expand_conv.weight" in weights else []
    )
    channels = weights[f"{name}._depthwise_conv.weight"].shape[0]
    deep = _folded(weights, f"{name}._depthwise_conv", f"{name}._bn1", stride, groups=channels)
    return [*wide, deep, _folded(weights, f"{name}._project_conv", f"{name}._bn2")]


def _folded(
    weights: Mapping[str, torch.Tensor], convolution: str, norm: str, stride: int = 1, groups: int = 1
) -> _Convolution:
    scale = weights[f"{norm}.weight"] * (weights[f"{norm}.running_var"] + EPSILON).rsqrt()
    weight = weights[f"{convolution}.weight"] * scale[:, None, None, None]
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return _Convolution(weight, bias, stride, groups)
