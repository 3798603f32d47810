from __future__ import annotations

import pytest
from benchmarks.sequential_rows import GRIDS, grids

from shopkeeper.errors import ConfigError


def test_a_search_starts_where_it_is_told():
    """Every model that tries the value does, the others keep theirs, and nothing is lost."""
    found = grids(["ties=shuffle", "history_decay=0.8"])
    assert found["sasrec"]["ties"] == ["shuffle", "keep"]
    assert found["item_knn"]["history_decay"] == [0.8, 0.6, 1.0]
    assert found["als"] == GRIDS["als"]
    assert grids([]) == GRIDS
    with pytest.raises(ConfigError, match="no model tries"):
        grids(["ties=perhaps"])
