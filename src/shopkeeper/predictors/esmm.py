"""Entire space multi-task model (Ma et al., SIGIR 2018): a purchase is an interest that came to a purchase.

The chance of each behavior is that of any behavior times a share, and both are learned from all pairs.
"""

from __future__ import annotations

from typing import ClassVar

from shopkeeper.predictors.multi_task import MultiTaskConfig
from shopkeeper.predictors.shared_bottom import SharedBottom


class ESMMConfig(MultiTaskConfig):
    """Settings of `ESMM`."""


class ESMM(SharedBottom):
    """Purchase through interest; with the categorical loss the same as `SharedBottom`."""

    Config: ClassVar[type[MultiTaskConfig]] = ESMMConfig
    through = True
