"""`shopkeeper attach`: says what the bundle predicts then, and leaves it alone where it cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "serving"))  # the shop of those tests
from predictor_shop import PURCHASE, examples
from server import shop_bundle

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.predictors.naive_bayes import NaiveBayes

Run = Callable[..., tuple[int, str, str]]


def test_a_predictor_is_put_into_a_bundle(run: Run, tmp_path: Path) -> None:
    bundle = shop_bundle(tmp_path / "bundle")
    NaiveBayes().fit(examples(Bundle.load(bundle), PURCHASE)).save(tmp_path / "purchase")
    code, out, _ = run("attach", bundle, tmp_path / "purchase")
    assert code == 0
    assert "predicts purchase within 2 days: NaiveBayes" in out
    assert list(Bundle.load(bundle).predictors) == ["purchase"]
    code, _, err = run("attach", bundle, tmp_path / "nothing")
    assert code == 4
    assert "nothing" in err
    assert list(Bundle.load(bundle).predictors) == ["purchase"]
