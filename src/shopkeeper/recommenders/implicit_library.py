"""The library `implicit` behind a quiet door: its threads, progress bars and warnings stay inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from shopkeeper.errors import missing_dependency
from shopkeeper.progress import Progress
from shopkeeper.recommenders.sparse import Csr
from shopkeeper.types import Float32Array


@contextmanager
def quiet(purpose: str) -> Iterator[None]:
    """Holds BLAS to one thread, as `implicit` asks for (its own threads do the work), so that it does not warn.

    Args:
        purpose: Who needs the library, for the error where it is missing.

    Raises:
        MissingDependencyError: The library is not installed.
    """
    try:
        import implicit  # noqa: F401
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise missing_dependency("implicit", "classical", purpose) from error
    with threadpool_limits(1, "blas"):
        yield


def fit(model: Any, matrix: Csr, iterations: int, progress: Progress | None, title: str) -> None:
    """Fits a model of `implicit` on shoppers x items without the column of padding.

    Args:
        model: An ALS or BPR model of the library.
        matrix: float32 [n, n_items + 1].
        iterations: For the progress.
        progress: Told after each iteration.
        title: For the progress.
    """
    if progress:
        progress.start(title, iterations)
    model.fit(csr_matrix(matrix[:, 1:]), show_progress=False, callback=_callback(progress))
    if progress:
        progress.finish()


def with_padding(factors: Any) -> Float32Array:
    """Item factors with a row of zeros for padding, float32 [n_items + 1, d]."""
    factors = np.asarray(factors, dtype=np.float32)
    return np.concatenate([np.zeros((1, factors.shape[1]), dtype=np.float32), factors])


def _callback(progress: Progress | None) -> Callable[..., None] | None:
    if progress is None:
        return None
    return lambda *_: progress.advance()
