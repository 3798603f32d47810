"""Which transforms there are, and the settings of a whole list of them, as TOML gives it.

[[steps]]
kind = "log"
column = "price"

[[steps]]
kind = "multi_hot"
column = "category"
paths = true
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from shopkeeper.config import Settings
from shopkeeper.data.transforms.base import Step, Transform
from shopkeeper.data.transforms.binary import Presence, PresenceStep, Threshold, ThresholdStep
from shopkeeper.data.transforms.bucket import Bucket, BucketStep
from shopkeeper.data.transforms.categorical import CategoryIndex, IndexStep, OneHot, OneHotStep
from shopkeeper.data.transforms.cyclic import Cyclic, CyclicStep
from shopkeeper.data.transforms.hashing import Hash, HashStep
from shopkeeper.data.transforms.multi_hot import MultiHot, MultiHotStep
from shopkeeper.data.transforms.numeric import (
    Log,
    LogStep,
    MinMax,
    MinMaxStep,
    Quantile,
    QuantileStep,
    Standard,
    StandardStep,
)
from shopkeeper.data.transforms.target_encoding import TargetEncoding, TargetStep

AnyStep: TypeAlias = Annotated[
    StandardStep
    | MinMaxStep
    | LogStep
    | QuantileStep
    | BucketStep
    | ThresholdStep
    | PresenceStep
    | OneHotStep
    | IndexStep
    | MultiHotStep
    | TargetStep
    | HashStep
    | CyclicStep,
    Field(discriminator="kind"),
]
"""The settings of one transform; `kind` says of which."""

TRANSFORMS: dict[type[Step], type[Transform]] = {  # type: ignore[type-arg]
    StandardStep: Standard,
    MinMaxStep: MinMax,
    LogStep: Log,
    QuantileStep: Quantile,
    BucketStep: Bucket,
    ThresholdStep: Threshold,
    PresenceStep: Presence,
    OneHotStep: OneHot,
    IndexStep: CategoryIndex,
    MultiHotStep: MultiHot,
    TargetStep: TargetEncoding,
    HashStep: Hash,
    CyclicStep: Cyclic,
}
"""The transform that belongs to each class of settings."""


class FeatureSettings(Settings):
    """A list of transforms; their blocks stand beside each other in this order."""

    steps: tuple[AnyStep, ...] = ()
    """The transforms; a column may have several of different kinds."""

    @model_validator(mode="after")
    def _distinct(self) -> FeatureSettings:
        labels = [step.label for step in self.steps]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"each column at most once of a kind, not twice: {', '.join(repeated)}")
        return self
