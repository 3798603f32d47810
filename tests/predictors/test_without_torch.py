"""Predictors that are no networks need no PyTorch."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import sys
sys.modules["torch"] = None  # as if it were not installed
from shopkeeper.predictors.registry import predictor_class, predictor_classes
print(*predictor_classes())
predictor_class("naive_bayes")()
"""


def test_the_registry_is_there_without_torch() -> None:
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "GradientBoosting" in answer.stdout
    assert "DIN" in answer.stdout  # it says what is missing when it is fitted
