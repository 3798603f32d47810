"""What a new bundle must show before it replaces the old one, and the settings that the old one was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.jobs.newcomers import IT_IS_OFF

if TYPE_CHECKING:
    from shopkeeper.pipeline.bundle import Bundle

Share = Annotated[float, Field(ge=0, le=1)]


class RetrainSettings(Settings):
    """What the promoted bundle is fitted on and keeps, and the bounds of the checks."""

    refit: bool = True
    """After the trial, fit what is promoted once more on the whole log, the held-out parts too: a network for as many
    epochs as early stopping found, with the weights of the pipeline that validation chose. False promotes what was
    fitted on the training part alone."""
    keep_log: bool = True
    """Keep in the bundle every row of the log that it was made of, so that the next `retrain` needs no `--log`; the
    card says how many bytes that takes. False: the next `retrain` must be given the log."""
    keep_files: bool = False
    """Keep the export, the logs and the prepared dataset in the work folder. They hold ids of users, of those too who
    are forgotten later; False deletes them in the end."""
    allow_forgetting: bool = False
    """Promote even where events, users or items of the running bundle are not in the new log."""

    metric: Literal["ndcg", "recall", "hit_rate", "mrr", "map", "precision"] = "ndcg"
    """The figure by which models are compared."""
    k: Annotated[int, Field(ge=1)] = 10
    """Length of the list that it looks at."""
    max_shoppers: Annotated[int, Field(ge=2)] | None = 10_000
    """So many shoppers are asked at most, a fixed sample; None asks all."""
    max_loss: Share = 0.05
    """The new bundle may be lower by this share of the old one's figure, as long as that is not clear."""
    chance: Annotated[float, Field(gt=0, lt=1)] = 0.001
    """A figure is clearly higher than another where chance alone would part them so far with less than this
    probability (paired t test)."""
    min_new_events: Annotated[int, Field(ge=1)] = 1
    """Fewer events than this that the earlier log does not hold are not worth a training."""
    min_log_share: Share = 0.9
    """The new log must have at least this share of the events of the old one, forgotten shoppers not counted."""
    min_known_items: Share = 0.5
    """Share of the new events whose item the earlier log or the catalog knows."""
    min_known_shoppers: Share = 0.1
    """Share of the new events whose shopper the earlier log knows, as a part of what that share was within the
    earlier log, in its last tenth."""
    max_events_a_user: Annotated[int, Field(ge=1)] = 100
    """So many new events of one user count in these shares at most, the oldest ones: nobody stops learning alone."""
    max_age_days: Annotated[float, Field(gt=0)] | None = None
    """Events older than this, before the newest one, are left out and not learned from any more; None keeps all."""
    max_more_rejected: Share = 0.2
    """Cleaning may reject so much more of the log, as a share of its rows, than it did for the old bundle."""
    min_fresh_shoppers: Annotated[int, Field(ge=2)] = 30
    """So many shoppers with new events must be asked before the answers to them alone are judged."""


def settings_of_bundle(bundle: Bundle) -> dict[str, Any]:
    """The settings that a bundle was made with, as nested plain values, for a log of later.

    Fixed moments and a folder of checkpoints belong to the old log and are left out.
    """
    card = bundle.card
    prepare = dict(bundle.pipeline.memory.facts.get("settings", {}))
    prepare["split"] = {**card.split_settings, "train_until": None, "validation_until": None}
    prepare.pop("latest", None)
    off = card.newcomers.get("reason") == IT_IS_OFF
    return {
        "retrain": {"keep_log": card.log.get("kept", True)},
        "prepare": prepare,
        "newcomers": {"encoder": "off"} if off else {},
        "features": {} if bundle.encoder is None else {"text": bundle.encoder.settings.model_dump(mode="json")},
        "models": {model.name: model.config.model_dump(mode="json") for model in bundle.pipeline.recommenders},
        "pipeline": card.pipeline["settings"],
        "training": {**card.training_settings, "checkpoint_folder": None},
    }
