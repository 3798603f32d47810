"""How alike items are by what the catalog says of them: words of the title, the brand, the steps of the category.

Each item is a vector of unit length made of the TF-IDF weights of its words and pairs of words, its brand, and the
steps of its category (Salton and Buckley 1988); the likeness of two items is the inner product of their vectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array, hstack, vstack

from shopkeeper.config import Settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import BRAND, CATEGORY, CATEGORY_SEPARATOR, DESCRIPTION, TITLE
from shopkeeper.errors import missing_dependency
from shopkeeper.recommenders.sparse import Csr, gram_blocks, keep_largest
from shopkeeper.search_space import Floats, Integers, SearchSpace

if TYPE_CHECKING:
    import pyarrow as pa

WORD: Final = re.compile(r"\w+")
NO_BRAND: Final = frozenset({"", "unknown", "n/a", "none"})
"""What a brand says, in lower case, when there is none."""


class ContentWeights(Settings):
    """How much each part of the catalog counts."""

    text: Annotated[float, Field(ge=0)] = 1.0
    """Words and pairs of neighboring words of the title, or of the description where there is no title."""
    brand: Annotated[float, Field(ge=0)] = 0.5
    """The brand."""
    category: Annotated[float, Field(ge=0)] = 0.3
    """The steps of the category."""

    most_items: Annotated[int, Field(ge=2)] = 200
    """Words, brands and steps of more items than this tell little, and are passed over: the work for each item is
    bounded by it. On 12,000 items 200 ranked better than no bound and was sixteen times as fast."""

    search: ClassVar[SearchSpace] = {
        "brand": Floats(0.0, 2.0), "category": Floats(0.0, 2.0), "most_items": Integers(50, 2000, log=True),
    }  # fmt: skip


def content_links(train: Dataset, weights: ContentWeights, neighbors: int) -> Csr:
    """The most alike items of each item.

    Args:
        train: Its catalog is read; without one, or for an item of which it says nothing, nothing is alike.
        weights: Of the parts of the catalog.
        neighbors: How many are kept of each item.

    Returns:
        float32 [n_items + 1, n_items + 1], above 0 and at most about 1; an item is never its own neighbor.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    blocks = []
    for start, block in gram_blocks(content_vectors(train, weights).T.tocsr()):
        rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        block.data[rows == block.indices] = 0
        block.eliminate_zeros()
        blocks.append(keep_largest(block, neighbors))
    links: Csr = vstack(blocks, format="csr")
    return links


def content_vectors(train: Dataset, weights: ContentWeights) -> Csr:
    """The vectors of the items, float32 [n_items + 1, terms], of unit length or zero; see `content_links`."""
    empty: Csr = csr_array(np.zeros((train.n_items + 1, 0), dtype=np.float32))
    if train.catalog is None:
        return empty
    rows = train.catalog.aligned(train.items)
    title = next((name for name in (TITLE, DESCRIPTION) if name in rows.column_names), TITLE)
    parts = [
        _terms(rows, title, _words, weights.text, weights.most_items, fewest=2),
        _terms(rows, BRAND, _brand, weights.brand, weights.most_items),
        _terms(rows, CATEGORY, _steps, weights.category, weights.most_items),
    ]
    found = [part for part in parts if part is not None]
    if not found:
        return empty
    joined = csr_array(hstack(found, format="csr"))
    lengths = np.sqrt(joined.power(2).sum(axis=1))
    joined.data /= np.repeat(np.maximum(lengths, np.finfo(np.float32).tiny), np.diff(joined.indptr))
    padding = csr_array((1, joined.shape[1]), dtype=np.float32)
    return csr_array(vstack([padding, joined], format="csr", dtype=np.float32))


def _terms(
    rows: pa.Table, column: str, analyzer: Callable[[str], Sequence[str]], weight: float, most: int, fewest: int = 1
) -> Csr | None:
    """Unit vectors of one column times its weight, float64 [n_items, terms]; None where it has no term."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise missing_dependency("scikit-learn", "classical", "reading the texts of a catalog") from error
    if column not in rows.column_names or weight == 0:
        return None
    texts = [text or "" for text in rows.column(column).to_pylist()]
    fewest = min(fewest, max(1, len(texts)))
    frequent = TfidfVectorizer(analyzer=analyzer, min_df=fewest, max_df=most, sublinear_tf=True)
    try:
        return csr_array(frequent.fit_transform(texts)) * weight
    except ValueError:  # no term is in enough texts, or all are in too many
        return None


def _words(text: str) -> list[str]:
    words = WORD.findall(text.lower())
    return words + [f"{one} {other}" for one, other in pairwise(words)]


def _brand(text: str) -> list[str]:
    brand = text.strip().lower()
    return [] if brand in NO_BRAND else [brand]


def _steps(text: str) -> list[str]:
    return [step for step in text.split(CATEGORY_SEPARATOR) if step]
