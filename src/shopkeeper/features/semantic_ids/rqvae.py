"""RQ-VAE: an autoencoder whose middle is made of digits (Lee et al. 2022; for items Rajput et al., TIGER, 2023).

A small network maps vectors to a space of its own, residual codebooks there turn them into digits, and another network
rebuilds the vectors from the digits' centers. Networks and centers learn together; gradients pass the choice of a digit
as if it were not there (van den Oord et al. 2017). Centers start at k-means of the first batch, and one that no item
takes in an epoch moves to an item.
"""

from __future__ import annotations

from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from shopkeeper.errors import missing_dependency
from shopkeeper.features.semantic_ids.codebooks import (
    Codebooks,
    refuse_other_width,
    refuse_unusable,
)
from shopkeeper.features.semantic_ids.rqvae_settings import RqVaeSettings
from shopkeeper.types import Float32Array, Int32Array

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise missing_dependency("torch", "torch", "codebooks by RQ-VAE") from error


class RqVae:
    """A fitted autoencoder: codes vectors as `Codebooks` does.

    Args:
        encoder: From vectors to the latent space.
        books: Codebooks there.
    """

    def __init__(self, encoder: nn.Sequential, books: Codebooks) -> None:
        self._encoder, self._books = encoder.eval(), books

    @classmethod
    def fit(cls, vectors: Float32Array, settings: RqVaeSettings | None = None, seed: int = 0) -> Self:
        """Trains networks and centers.

        Args:
            vectors: float32 [n, width]; the items of training, without padding.
            settings: Digits, widths, training.
            seed: Of weights, order and k-means.

        Raises:
            DataError: There are no vectors, or some are not finite.
        """
        settings = settings or RqVaeSettings()
        refuse_unusable(vectors)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            rows = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
            training = _Training(rows, settings, seed)
            for _ in range(settings.epochs):
                training.epoch()
        books = Codebooks(
            training.centers.detach().numpy().copy(), np.zeros(settings.latent_size, dtype=np.float32), False
        )
        return cls(training.encoder, books)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values of each digit."""
        return self._books.sizes

    def code(self, vectors: Float32Array) -> Int32Array:
        """Digits of vectors, int32 [n, levels], each from 0.

        Args:
            vectors: float32 [n, width].

        Raises:
            DataError: The vectors have another width.
        """
        refuse_other_width(vectors, cast(nn.Linear, self._encoder[1]).in_features)
        with torch.inference_mode():
            latent = self._encoder(torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32)))
        return self._books.code(latent.numpy())

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays that `restore` takes back."""
        weights = {f"encoder.{name}": values.numpy() for name, values in self._encoder.state_dict().items()}
        return weights | self._books.state()

    @classmethod
    def restore(cls, state: dict[str, NDArray[np.generic]]) -> Self:
        """The autoencoder of a `state`."""
        start = "encoder."
        weights = {
            name[len(start) :]: torch.from_numpy(np.array(values))
            for name, values in state.items() if name.startswith(start)
        }  # fmt: skip
        encoder = _layers(weights["1.weight"].shape[1], weights["1.weight"].shape[0], weights["3.weight"].shape[0])
        encoder.load_state_dict(weights)
        return cls(encoder, Codebooks.restore({name: state[name] for name in ("centers", "mean", "unit_length")}))


def _layers(size: int, hidden_size: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(size), nn.Linear(size, hidden_size), nn.GELU(), nn.Linear(hidden_size, out))


class _Training:
    """Networks, centers and their optimizer.

    Args:
        rows: Float [n, width].
        settings: Of the autoencoder.
        seed: Of k-means.
    """

    def __init__(self, rows: Tensor, settings: RqVaeSettings, seed: int) -> None:
        self.rows, self.settings = rows, settings
        self.encoder = _layers(rows.shape[1], settings.hidden_size, settings.latent_size)
        self.decoder = _layers(settings.latent_size, settings.hidden_size, rows.shape[1])
        with torch.no_grad():
            start = Codebooks.fit(self.encoder(rows).numpy(), settings.replace(unit_length=False), seed)
        self.centers = nn.Parameter(torch.from_numpy(start.centers.copy()))
        self.centers.data[0] += torch.from_numpy(start.mean)
        weights: list[Any] = [*self.encoder.parameters(), *self.decoder.parameters(), self.centers]
        self.optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate)

    def epoch(self) -> None:
        """One pass over the items in random order; centers that none took move to what an item left over."""
        used = torch.zeros(self.centers.shape[:2], dtype=torch.bool)
        for places in torch.split(torch.randperm(len(self.rows)), self.settings.batch_size):
            rows = self.rows[places]
            latent = self.encoder(rows)
            chosen, digits, distance = self._quantize(latent)
            rebuilt = self.decoder(latent + (chosen - latent).detach())
            loss = functional.mse_loss(rebuilt, rows) + distance
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            used.scatter_(1, digits.T, True)
        self._revive(used)

    def _quantize(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The centers' sum, float [n, latent]; the digits, int64 [n, levels]; what draws states and centers near."""
        rest, total, digits = latent, torch.zeros_like(latent), []
        distance = latent.new_zeros(())
        for centers in self.centers:
            digit = torch.cdist(rest.detach(), centers.detach()).argmin(dim=1)
            center = centers[digit]
            distance = distance + functional.mse_loss(center, rest.detach())
            distance = distance + self.settings.commitment * functional.mse_loss(rest, center.detach())
            rest, total = rest - center.detach(), total + center
            digits.append(digit)
        return total, torch.stack(digits, dim=1), distance

    def _revive(self, used: Tensor) -> None:
        with torch.no_grad():
            rest = self.encoder(self.rows[torch.randperm(len(self.rows))[: self.centers.shape[1]]])
            for level, centers in enumerate(self.centers):
                dead = (~used[level]).nonzero()[:, 0][: len(rest)]
                taken = rest[: len(dead)].clone()
                rest = rest - centers[torch.cdist(rest, centers).argmin(dim=1)]
                self.centers.data[level, dead] = taken
