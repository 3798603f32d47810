"""Predictors of the old bundle fitted anew on the new log, each beside the old one on examples that neither has seen.

What is stored with a predictor says how: what an example is, its settings, and how a network was trained. One that
was fitted without held-out data could not be calibrated. Its error would tell how far its scores are from
probabilities, and not which model knows more, so that a new one that ranks better was refused; it is calibrated as
`select` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.compare import BehaviorComparison, compare_predictors
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation, evaluate_predictor
from shopkeeper.jobs.bundles import TRAINING_PART
from shopkeeper.jobs.retrain.checks import Check
from shopkeeper.jobs.retrain.settings import RetrainSettings
from shopkeeper.jobs.select_parts import Parts, latest_question, make_parts, thinned
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.predictors.base import Predictor
from shopkeeper.progress import Progress

TO_THE_TEST: Final = "training and validation parts"
LATEST: Final = "test part"


@dataclass
class FittedAnew:
    """The predictors of a new bundle, by name of what they predict.

    Attributes:
        served: What answers.
        tried: What has seen nothing of the test part; figures are of these.
        card: What the card says of each.
        checks: Whether each is no worse than the old one.
    """

    served: dict[str, Predictor] = field(default_factory=dict)
    tried: dict[str, Predictor] = field(default_factory=dict)
    card: dict[str, dict[str, Any]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


def fit_anew(old: Bundle, dataset: Dataset, settings: ShopSettings, progress: Progress | None = None) -> FittedAnew:
    """Fits every predictor of a bundle on a new log, and asks new and old about the test part.

    One that cannot be fitted on this log goes on as it is, and the card says why.

    Args:
        old: The bundle whose predictors these are.
        dataset: The new log.
        settings: The split, the size of examples, whether to refit, and the bounds of the checks.
        progress: Told how far it is.
    """
    found = FittedAnew()
    for name, served in old.predictors.items():
        tried = tried_of(old, name)
        try:
            _fit_one(name, tried, dataset, settings, found, progress)
        except DataError as error:
            reason = f"taken over as it is: {error.problem}"
            found.served[name], found.tried[name] = served, tried
            found.card[name] = {"model": served.name, **old.card.predictors.get(name, {}), "not_measured": reason}
            found.checks.append(Check(_title(name), True, "fitted anew where the log allows it", reason))
    return found


def tried_of(bundle: Bundle, name: str) -> Predictor:
    """A predictor as it was before it learned of the test part."""
    served = bundle.card.predictors.get(name, {}).get("fitted_on", {}).get("served", {})
    if served.get("part") == TO_THE_TEST and name in bundle.tried.predictors:
        return bundle.tried.predictors[name]
    return bundle.predictors[name]


def _fit_one(
    name: str, old: Predictor, dataset: Dataset, settings: ShopSettings, found: FittedAnew, progress: Progress | None
) -> None:
    if old.settings is None:
        raise DataError("it does not say what it predicts")
    behavior = settings.behavior.replace(examples=old.settings)
    parts = make_parts(dataset, behavior, settings.prepare.split, progress)
    tried = _fresh(old, behavior).fit(parts.train, parts.validation, old.training, progress)
    if parts.latest is not None:
        parts.latest.calibrate(tried)
    quick = behavior.evaluation.replace(segments=False)
    new_figures, old_figures = (
        evaluate_predictor(model, parts.test, quick, "test", label) for model, label in ((tried, "new"), (old, "old"))
    )
    served, fitted = tried, {"measured": _fitted_on(TRAINING_PART, parts.train, parts, "train", "validation part")}
    fitted["served"] = fitted["measured"]
    if settings.retrain.refit:
        learned = _to_the_test(dataset, behavior, parts)
        served = _fresh(old, behavior).fit(learned, parts.test, old.training, progress)
        if (latest := latest_question(dataset, behavior, parts.moments["test"])) is not None:
            latest.calibrate(served)
        fitted["served"] = _fitted_on(TO_THE_TEST, learned, parts, "validation", LATEST)
    row = compare_predictors(new_figures, old_figures, "rmse" if old.of_amounts else "log_loss")
    found.served[name], found.tried[name] = served, tried
    found.checks.append(_check(name, row, old_figures, settings.retrain))
    figures = {one.model: {each.metric: each.value for each in one.rows} for one in (new_figures, old_figures)}
    found.card[name] = {
        "model": served.name, "part": "test", "figures": figures, "comparison": row.to_json(), "fitted_on": fitted,
    }  # fmt: skip


def _fresh(old: Predictor, behavior: BehaviorSettings) -> Predictor:
    """The same predictor, not fitted; here is held-out data, so that one that was never calibrated is from now on."""
    config = old.config
    if config.calibration == "none" and not old.of_amounts:
        config = config.replace(calibration=behavior.calibration)
    return type(old)(config)


def _to_the_test(dataset: Dataset, behavior: BehaviorSettings, parts: Parts) -> Examples:
    """Examples of training and validation together: the test part, the latest, is left to calibrate on."""
    start, until = parts.moments["train"][0], parts.moments["validation"][1]
    examples = make_examples(dataset, behavior.examples, start, until)
    return with_features(dataset, thinned(examples, behavior.max_examples, behavior.seed))


def _fitted_on(part: str, examples: Examples, parts: Parts, last: str, calibrated_on: str) -> dict[str, Any]:
    until = moment_text(parts.moments[last][1])
    return {"part": part, "examples": len(examples), "until": until, "calibrated_on": calibrated_on}


def _check(name: str, row: BehaviorComparison, old: BehaviorEvaluation, settings: RetrainSettings) -> Check:
    """Whether the error of the new one is not clearly larger, and not by much."""
    before = old.value(row.metric)
    lost = row.difference > settings.max_loss * before
    words = f"{row.metric} new {before + row.difference:.4g}, old {before:.4g}: {row.difference:+.2g}"
    return Check(
        _title(name), row.low <= 0 and not lost, f"error not clearly larger, and by at most {settings.max_loss:.0%}",
        f"{words} [{row.low:+.2g}, {row.high:+.2g}]",
    )  # fmt: skip


def _title(name: str) -> str:
    return f"predictor of {name}"


def with_trial(bundle: Bundle, tried: dict[str, Predictor]) -> Bundle:
    """The bundle with its predictors as they were tried, where it carries a trial at all."""
    trial = bundle.trial
    return bundle if trial is None else replace(bundle, trial=replace(bundle.tried, predictors=tried))
