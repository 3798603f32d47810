"""A network that answers alike whoever asks beside: its sums in float64.

The last digits of a sum in float32 hang on the order in which a processor adds, and that on the shape of the batch: how
many ask, how long their histories are. Two items of almost one score would change places with who else asks. Sums in
float64 differ too, but in digits that are gone once a score is rounded to float32, all but about once in a million
scores, and then only an item within the last digit of it changes places.
"""

from __future__ import annotations

from copy import deepcopy

from torch import nn


def exact_copy(network: nn.Module) -> nn.Module:
    """A copy of a network with its weights in float64, to answer with.

    Embeddings and buffers are shared with the network and stay as they are: to look up a row is exact.

    Args:
        network: Its layers take their precision from their weights.
    """
    tables = [module.weight for module in network.modules() if isinstance(module, nn.Embedding)]
    shared = {id(values): values for values in [*tables, *network.buffers()]}
    copy = deepcopy(network, dict(shared))
    for weight in copy.parameters():
        if id(weight) not in shared:
            weight.data = weight.data.double()
            weight.requires_grad_(False)
    return copy


def version(network: nn.Module) -> tuple[tuple[int, int], ...]:
    """Another one after each change of the weights."""
    return tuple((weight.data_ptr(), weight._version) for weight in network.parameters())
