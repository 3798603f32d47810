"""How a network is trained, apart from what the network is. Importable without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.search_space import Choice, Floats, SearchSpace

MatmulPrecision: TypeAlias = Literal["auto", "highest", "high", "medium"]


class OptimizerSettings(Settings):
    """Which optimizer, with all its options; options of other optimizers are ignored."""

    name: Literal["gd", "sgd", "adam", "adamw"] = "adamw"
    """`gd` takes one step an epoch on the gradient of all batches; `sgd` one a batch."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak learning rate, reached after warm-up."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """L2 term (`sgd`, `adam`) or decoupled decay (`adamw`)."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of `sgd`."""
    nesterov: bool = False
    """Nesterov's look-ahead for `sgd`; needs momentum."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the first and second moment of `adam` and `adamw`."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the denominator of `adam` and `adamw`."""
    amsgrad: bool = False
    """Keep the maximum of the second moment (Reddi et al. 2018)."""

    search: ClassVar[SearchSpace] = {
        "learning_rate": Floats(2e-4, 1e-2, log=True),
        "weight_decay": Choice((0.0, 1e-3, 1e-2, 1e-1)),
    }


class ScheduleSettings(Settings):
    """How the learning rate moves over the steps."""

    name: Literal["constant", "linear", "cosine"] = "cosine"
    """After warm-up: stay, fall linearly, or fall along a half cosine to `final_share` of the peak."""
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of all steps in which the rate rises linearly from zero."""
    final_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Rate at the last step as a share of the peak."""


class TrainingSettings(Settings):
    """One training run."""

    epochs: Annotated[int, Field(ge=1)] = 16
    """Passes over the training targets."""
    batch_targets: Annotated[int, Field(ge=1)] = 256
    """Targets in one step, about, on each process; the loss of a step is the mean over its targets."""
    max_targets_per_epoch: Annotated[int, Field(ge=1)] | None = None
    """An epoch takes a new random part of the data with about so many targets; None takes all."""
    optimizer: OptimizerSettings = OptimizerSettings()
    """The optimizer and its options."""
    schedule: ScheduleSettings = ScheduleSettings()
    """The learning rate over time."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Gradients are scaled down to this norm; None leaves them."""
    average_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Keep a moving average of the weights, of which each step keeps this share (0.999, say): it is what is validated
    and kept. Costs a pass over all weights a step; None keeps none."""
    patience: Annotated[int, Field(ge=1)] | None = 5
    """Stop after this many validations without a better NDCG@10; None runs all epochs."""
    validate_every: Annotated[int, Field(ge=1)] = 1
    """Epochs between validations."""
    validation_users: Annotated[int, Field(ge=1)] | None = 10_000
    """Validate on a fixed sample of at most this many shoppers; None takes all."""
    seed: int = 0
    """Seed of initialization, shuffling and dropout."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    precision: Literal["no", "fp16", "bf16"] = "no"
    """Mixed precision on an accelerator; refused on a CPU, where it is slower."""
    matmul_precision: MatmulPrecision = "auto"
    """How exactly the full softmax multiplies matrices in training: `highest` in float32, `high` in TF32 on a GPU,
    `medium` with factors rounded to bfloat16 and sums in float32; `auto` rounds where that is faster."""
    checkpoint_folder: Path | None = None
    """Where checkpoints and logs go; None keeps none."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 1
    """Epochs between checkpoints."""
    checkpoint_steps: Annotated[int, Field(ge=1)] | None = None
    """Also write one after so many steps within an epoch (for long epochs); None does not."""
    resume: bool = True
    """Go on from the last checkpoint in `checkpoint_folder` where it belongs to the same run."""
    tensorboard: bool = False
    """Also write TensorBoard logs below `checkpoint_folder`."""

    search: ClassVar[SearchSpace] = {"batch_targets": Choice((128, 256, 512, 1024))}
