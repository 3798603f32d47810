import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shopkeeper.recommenders.top_k import top_k


def test_best_first_and_ties_by_the_smaller_index():
    chosen, values = top_k(np.array([[0, 3, 1, 3, 2]], dtype=np.float32), 3)
    assert chosen.tolist() == [[1, 3, 4]]
    assert values.tolist() == [[3, 3, 2]]


def test_minus_infinity_is_never_chosen():
    chosen, values = top_k(np.array([[-np.inf, 1, -np.inf], [-np.inf] * 3], dtype=np.float32), 2)
    assert chosen.tolist() == [[1, 0], [0, 0]]
    assert np.isneginf(values).tolist() == [[False, True], [True, True]]


few_values = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])


@given(arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 9)), elements=few_values), st.integers(1, 12))
def test_equals_a_full_stable_sort(scores, k):
    chosen, values = top_k(scores, k)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(chosen, np.where(np.isneginf(expected), 0, order))
