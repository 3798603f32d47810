"""What predictors of trees share: LightGBM trains them, its text format keeps them, tree SHAP explains them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.errors import missing_dependency
from shopkeeper.predictors.of_features import FeaturePredictor, HeldOut
from shopkeeper.predictors.tree_text import checked_trees
from shopkeeper.types import Float32Array, Float64Array

WHOLE = {
    "deterministic": True, "force_row_wise": True, "verbosity": -1,
    "feature_pre_filter": False,
}  # fmt: skip
"""Of every training: the same seed gives the same trees."""


class TreePredictor(FeaturePredictor):
    """Base of predictors whose log-odds are a sum of trees."""

    booster: Any

    @abstractmethod
    def _parameters(self) -> dict[str, Any]:
        """What LightGBM is told beyond `WHOLE`, `num_iterations` among it."""

    def _patience(self) -> int | None:
        """Training ends when validation has not improved for so many trees; None trains all."""
        return None

    def _fit(
        self,
        values: Float32Array,
        label: Float32Array,
        validation: HeldOut | None,
    ) -> None:
        lightgbm = _library()
        goal = {"objective": "regression" if self.of_amounts else "binary"}
        parameters = WHOLE | goal | {"seed": self.config.seed} | self._parameters()
        train = lightgbm.Dataset(np.ascontiguousarray(values), label, params=parameters)
        patience, watched, callbacks = self._patience(), [], []
        if validation is not None and patience is not None and len(np.unique(validation.label)) > 1:
            held_out = np.ascontiguousarray(validation.values)
            watched = [train.create_valid(held_out, validation.label, weight=validation.weight)]
            callbacks = [lightgbm.early_stopping(patience, verbose=False)]
        self.booster = lightgbm.train(parameters, train, valid_sets=watched, callbacks=callbacks)

    def _log_odds(self, values: Float32Array) -> Float64Array:
        odds = self.booster.predict(np.ascontiguousarray(values), raw_score=True)
        return np.asarray(odds, dtype=np.float64)

    def _effects(self, values: Float32Array) -> Float64Array:
        """Exact tree SHAP (Lundberg et al. 2018); the last column, the usual log-odds, is left out."""
        shares = self.booster.predict(np.ascontiguousarray(values), pred_contrib=True)
        return np.asarray(shares, dtype=np.float64)[:, :-1]

    def state(self) -> dict[str, NDArray[Any]]:
        """The trees as LightGBM writes them, as bytes of text."""
        text = self.booster.model_to_string()
        return {"trees": np.frombuffer(text.encode(), dtype=np.uint8)}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Reads the text.

        Raises:
            ArtifactError: It is no text of trees over the features of this predictor.
        """
        text = state["trees"].tobytes().decode(errors="replace")
        self.booster = _library().Booster(model_str=checked_trees(text, len(self._fitted())))


def _library() -> Any:
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise missing_dependency("lightgbm", "classical", "a predictor of trees") from error
    return lightgbm
