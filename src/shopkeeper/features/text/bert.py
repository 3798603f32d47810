"""The forward pass of BERT over rows of equal length, from weights by name: no padding, no mask, no dropout.

Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BertShape:
    """What the names of the weights do not say.

    Attributes:
        n_layers: Blocks.
        n_heads: Heads of each.
        epsilon: Of the layer norms.
    """

    n_layers: int
    n_heads: int
    epsilon: float

    @staticmethod
    def of(config: Mapping[str, Any]) -> BertShape:
        """From the `config.json` of a model."""
        return BertShape(config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"])


class Bert:
    """A BERT encoder for inference.

    Args:
        weights: By the names of Hugging Face, `embeddings...` and `encoder.layer.0...`; all of one dtype.
        shape: The rest.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], shape: BertShape) -> None:
        self._weights = weights
        self._shape = shape

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """States of the last block: tokens int64 [n, length] -> [n, length, size], in the dtype of the weights."""
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][tokens]
        x = x + weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self._shape.n_layers):
            x = self._block(x, f"encoder.layer.{layer}")
        return x

    def _block(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """One block, post-norm: [n, length, size] -> the same."""
        from torch.nn.functional import gelu

        x = self._norm(x + self._attention(x, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
        wide = gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attention(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import scaled_dot_product_attention

        n, length, size = x.shape

        def heads(part: str) -> torch.Tensor:
            values = self._linear(x, f"{name}.self.{part}")
            return values.view(n, length, self._shape.n_heads, -1).transpose(1, 2)

        mixed = scaled_dot_product_attention(heads("query"), heads("key"), heads("value"))
        return self._linear(mixed.transpose(1, 2).reshape(n, length, size), f"{name}.output.dense")

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import linear

        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import layer_norm

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(x, (x.shape[-1],), weight, bias, self._shape.epsilon)
