"""Numbers agree with scikit-learn; what is missing, constant or out of range has a defined answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.config import build
from shopkeeper.data.transforms.base import Transform
from shopkeeper.data.transforms.binary import Threshold, ThresholdStep
from shopkeeper.data.transforms.bucket import Bucket, BucketStep
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
from shopkeeper.errors import ConfigError, DataError

GENERATOR = np.random.default_rng(7)
TRAIN = np.round(GENERATOR.lognormal(2, 1, 3000), 1)  # rounded, so that there are ties
LATER = np.concatenate([TRAIN[:50], GENERATOR.lognormal(2, 2, 500), [-3.0, 0.0, TRAIN.min(), TRAIN.max(), 1e6]])
EVERY = [
    Standard(StandardStep(column="x")),
    MinMax(MinMaxStep(column="x")),
    Log(LogStep(column="x")),
    Quantile(QuantileStep(column="x")),
    Quantile(QuantileStep(column="x", distribution="normal")),
]


def fitted(transform: Transform, values) -> Transform:
    transform.fit(pa.array(values))
    return transform


def applied(transform: Transform, values) -> np.ndarray:
    return transform.apply(pa.array(values))[:, 0]


def by_sklearn(scaler) -> np.ndarray:
    return scaler.fit(TRAIN[:, None]).transform(LATER[:, None])[:, 0]


def test_standard_is_scikit_learns():
    from sklearn.preprocessing import StandardScaler

    ours = applied(fitted(Standard(StandardStep(column="x")), TRAIN), LATER)
    np.testing.assert_allclose(ours, by_sklearn(StandardScaler()), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("clip", [True, False])
def test_min_max_is_scikit_learns(clip):
    from sklearn.preprocessing import MinMaxScaler

    ours = applied(fitted(MinMax(MinMaxStep(column="x", clip=clip)), TRAIN), LATER)
    np.testing.assert_allclose(ours, by_sklearn(MinMaxScaler(clip=clip)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantile_is_scikit_learns(distribution):
    from sklearn.preprocessing import QuantileTransformer

    step = QuantileStep(column="x", n_quantiles=200, distribution=distribution)
    reference = QuantileTransformer(n_quantiles=200, output_distribution=distribution, subsample=None)
    ours = applied(fitted(Quantile(step), TRAIN), LATER)
    np.testing.assert_allclose(ours, by_sklearn(reference), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("n_buckets", [2, 7, 40])
def test_buckets_are_scikit_learns(strategy, n_buckets):
    from sklearn.preprocessing import KBinsDiscretizer

    method = {"quantile_method": "linear"} if strategy == "quantile" else {}
    reference = KBinsDiscretizer(n_buckets, encode="ordinal", strategy=strategy, subsample=None, **method)
    ours = applied(fitted(Bucket(BucketStep(column="x", strategy=strategy, n_buckets=n_buckets)), TRAIN), LATER)
    np.testing.assert_array_equal(ours, by_sklearn(reference) + 1)


def test_log_is_the_standardized_signed_logarithm():
    transform = fitted(Log(LogStep(column="x")), [0.0, np.e - 1, np.e**2 - 1])
    np.testing.assert_allclose(applied(transform, [np.e - 1, 1 - np.e]), [0, -2 / np.sqrt(2 / 3)], atol=1e-6)
    plain = fitted(Log(LogStep(column="x", standardize=False)), [0.0, 1.0])
    np.testing.assert_allclose(applied(plain, [np.e - 1, 1 - np.e]), [1, -1], rtol=1e-6)


@pytest.mark.parametrize("transform", EVERY, ids=lambda it: f"{it.step.kind}")
def test_a_constant_column_gives_zeros(transform):
    fitted(transform, [0.1] * 7)  # its computed deviation is not exactly 0
    np.testing.assert_array_equal(transform.apply(pa.array([0.1, 5.0, None])), 0)


@pytest.mark.parametrize("transform", EVERY, ids=lambda it: f"{it.step.kind}")
def test_missing_is_the_center_and_a_column_says_so(transform):
    fitted(transform, [1.0, None, 2.0, np.nan, 3.0, np.inf, -np.inf])
    assert transform.names == (transform.step.label, f"{transform.step.label} is missing")
    block = transform.apply(pa.array([2.0, None, np.nan, np.inf, 1e300]))
    np.testing.assert_array_equal(block[:, 1], [0, 1, 1, 1, 1])
    center = {"min_max": 0.5, "quantile": 0.0 if getattr(transform.step, "distribution", "") == "normal" else 0.5}
    np.testing.assert_allclose(block[1:, 0], center.get(transform.step.kind, 0.0), atol=1e-6)


def test_without_missing_values_in_training_there_is_no_column_for_them():
    transform = fitted(Standard(StandardStep(column="x")), [1.0, 3.0])
    np.testing.assert_array_equal(transform.apply(pa.array([None, 3.0])), [[0], [1]])


@pytest.mark.parametrize("transform", EVERY, ids=lambda it: f"{it.step.kind}")
def test_a_column_of_nulls_is_learned_and_an_empty_one_applied(transform):
    fitted(transform, pa.nulls(3))
    np.testing.assert_array_equal(transform.apply(pa.array([None, 4.0])), [[0, 1], [0, 0]])
    assert transform.apply(pa.array([], pa.float64())).shape == (0, 2)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, 3], pa.int8()),
        pa.array([1, 2, 3], pa.uint64()),
        pa.array([1, 2, 3], pa.float16()),
        pa.array([1, 2, 3], pa.decimal128(9, 2)),
        pa.array([1, 2, 3], pa.date32()),
        pa.array([86_400, 2 * 86_400, 3 * 86_400], pa.timestamp("s")),
        pa.array([86_400_000, 2 * 86_400_000, 3 * 86_400_000], pa.timestamp("ms", "Asia/Shanghai")),
    ],
    ids=lambda column: str(column.type),
)
def test_all_kinds_of_numbers_and_moments_are_read_alike(column):
    transform = fitted(MinMax(MinMaxStep(column="x")), [1.0, 3.0])
    np.testing.assert_array_equal(transform.apply(column)[:, 0], [0, 0.5, 1])


def test_a_wrong_type_says_what_was_expected():
    with pytest.raises(DataError, match=r"'x'.*\n.*expected: numbers.*\n.*got: string"):
        Standard(StandardStep(column="x")).fit(pa.array(["7"]))


def test_no_rows_to_fit_on_is_an_error():
    with pytest.raises(DataError, match="at least one training row"):
        Standard(StandardStep(column="x")).fit(pa.array([], pa.float64()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none(), min_size=1), st.floats())
def test_whatever_comes_the_output_is_finite(train, later):
    for transform in EVERY:
        fitted(transform, pa.array(train, pa.float64()))
        assert np.isfinite(transform.apply(pa.array([later, None, *train], pa.float64()))).all()


def test_threshold_counts_the_threshold_itself_and_reads_booleans():
    transform = fitted(Threshold(ThresholdStep(column="x", threshold=2)), [1.0, None])
    np.testing.assert_array_equal(transform.apply(pa.array([1.9, 2.0, 7.0, None])), [[0, 0], [1, 0], [1, 0], [0, 1]])
    boolean = fitted(Threshold(ThresholdStep(column="x")), [True, False])
    np.testing.assert_array_equal(applied(boolean, [True, False]), [1, 0])


def test_buckets_of_own_edges_hold_their_lower_edge():
    step = BucketStep(column="x", edges=(10, 50))
    transform = fitted(Bucket(step), [1.0])
    assert transform.sizes == (4,)
    np.testing.assert_array_equal(applied(transform, [9.9, 10.0, 49.0, 50.0, None, np.nan]), [1, 2, 2, 3, 0, 0])
    assert transform.apply(pa.array([1.0])).dtype == np.int32


def test_buckets_one_hot():
    step = BucketStep(column="x", edges=(10,), output="one_hot")
    transform = fitted(Bucket(step), [1.0, None])
    np.testing.assert_array_equal(transform.apply(pa.array([1, 20, None])), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert transform.names == ("x bucket 1: -inf to 10", "x bucket 2: 10 to inf", "x bucket is missing")


def test_equal_values_make_fewer_buckets():
    transform = fitted(Bucket(BucketStep(column="x", n_buckets=10)), [0.0] * 90 + [1.0] * 10)
    assert transform.n_buckets == 2
    np.testing.assert_array_equal(applied(transform, [0.0, 1.0]), [1, 2])
    assert fitted(Bucket(BucketStep(column="x")), [5.0, 5.0]).n_buckets == 1


@pytest.mark.parametrize("edges", [[], [2, 1], [1, 1]])
def test_edges_must_ascend(edges):
    with pytest.raises(ConfigError, match="ascending"):
        build(BucketStep, {"column": "x", "edges": edges})
