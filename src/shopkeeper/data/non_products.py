"""Items that are no products: postage, fees, adjustments, samples, vouchers, test entries.

Two kinds of evidence are weighed, and the reason is told for each item:

1. *Words.* The title consists of nothing but service words (POSTAGE, NEXT DAY CARRIAGE, Discount, Manual), or names a
   voucher, a bank charge, a bad debt or the like; or the id itself is such a word (POST, BANK CHARGES, AMAZONFEE).
2. *The shape of the id.* In most shops ids follow a pattern. Each id is reduced to its shape: a run of digits becomes
   ``9``, a run of letters ``A``, other signs stay, so ``85123A`` becomes ``9A``. Shapes that together hold 95 % of the
   items are usual. An id of another shape is unusual; this alone is no proof (it may be a real product of another
   supplier), but one service word in its title then is.

A title with a service word among others on an id of the usual shape is left alone: "postage stamp album" is a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.types import Id

if TYPE_CHECKING:
    import pyarrow as pa

USUAL_SHARE: Final = 0.95
MOST_SHAPES: Final = 6
"""More shapes than this among the usual ones are no pattern."""
FEWEST_ITEMS: Final = 20
"""Fewer items than this show no pattern."""
LONGEST_TITLE: Final = 5
"""Words of a title in which one service word counts, for an id of unusual shape."""

SERVICE_WORDS: Final = (
    "postage", "post", "carriage", "shipping", "delivery", "freight", "manual", "adjust", "adjustment", "adjustments",
    "discount", "discounts", "fee", "fees", "charge", "charges", "sample", "samples", "voucher", "vouchers", "coupon",
    "deposit", "refund", "rebate", "commission", "surcharge", "donation", "tip", "test", "testing", "dummy", "debt",
    "insurance", "rounding", "amazonfee", "bankcharges", "giftcard", "giftwrap",
)  # fmt: skip
FILLER_WORDS: Final = (
    "next", "day", "same", "express", "standard", "free", "dotcom", "international", "domestic", "bank", "amazon",
    "gift", "card", "wrap", "bad", "service", "handling", "and", "the", "of", "for", "by", "a", "item", "product",
    "entry", "order", "cruk",
)  # fmt: skip
"""Words that may stand beside service words without making a product of it."""
PHRASES: Final = ("gift voucher", "gift certificate", "bank charge", "bad debt", "credit note", "store credit")
"""Whatever names one of these is no product, on any id."""
SERVICE_IDS: Final = ("post", "dot", "m", "d", "s", "b", "c2", "postage", "ship", "adj", "misc")
"""Ids, in lower case, that stand for services in the export of many a shop; believed only where they are unusual."""


@dataclass(frozen=True)
class NonProducts:
    """What was found among the items.

    Attributes:
        reasons: Id of each item that is no product, and why it is taken for none.
        unusual: Ids of unusual shape without a service word: to be looked at, not left out.
        pattern: The usual shapes with their share, such as ``"9 (79 %), 9A (20 %)"``; None where ids show none.
    """

    reasons: dict[Id, str]
    unusual: tuple[Id, ...]
    pattern: str | None


def find_non_products(ids: pa.Array, titles: Sequence[str | None] | pa.Array | None = None) -> NonProducts:
    """Looks for items that are no products.

    Args:
        ids: Distinct item ids, integers or strings.
        titles: Title of each, where known.

    Returns:
        The items with reasons. Nothing here is random or learned from elsewhere: the same items give the same answer.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    texts = ids.cast(pa.string())
    named = pa.nulls(len(ids), pa.string()) if titles is None else pa.array(titles, pa.string())
    usual, pattern = _usual_shapes(texts)
    title_words, id_words = _words(named), _words(texts)
    rules: list[tuple[str, Any]] = [
        ("its title names a voucher, charge or credit", _matches(title_words, "|".join(PHRASES))),
        ("its title has only words of services", _only_service(title_words)),
        ("its id is a word of services", pc.and_(_only_service(id_words), pc.match_substring_regex(texts, "[A-Za-z]"))),
    ]
    if pattern is not None:
        short = pc.less_equal(pc.count_substring(title_words, " "), LONGEST_TITLE - 1)
        one_word = pc.and_(_matches(title_words, "|".join(SERVICE_WORDS)), short)
        known_id = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(SERVICE_IDS))
        rules += [
            (
                "its id is of an unusual shape, and its title has a word of services",
                pc.and_(pc.invert(usual), one_word),
            ),
            ("its id is of an unusual shape, and a common code of services", pc.and_(pc.invert(usual), known_id)),
        ]
    reasons: dict[Id, str] = {}
    for reason, mask in rules:
        for value in ids.filter(pc.fill_null(mask, False)).to_pylist():
            reasons.setdefault(value, reason)
    rest = [value for value in ids.filter(pc.invert(usual)).to_pylist() if value not in reasons] if pattern else []
    return NonProducts(reasons, tuple(rest), pattern)


def _usual_shapes(texts: pa.Array) -> tuple[pa.Array, str | None]:
    """Whether the shape of each id is usual, and the pattern in words; all are usual where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    everything = pa.array([True] * len(texts))
    if len(texts) < FEWEST_ITEMS:
        return everything, None
    shapes = pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\p{L}+", "A"), r"\p{Nd}+", "9")
    counts = sorted(((pair["counts"], pair["values"]) for pair in pc.value_counts(shapes).to_pylist()), reverse=True)
    usual, covered = [], 0
    for n, shape in counts:
        if covered >= USUAL_SHARE * len(texts):
            break
        usual.append((shape, n))
        covered += n
    if len(usual) > MOST_SHAPES:
        return everything, None
    pattern = ", ".join(f"{shape} ({n / len(texts):.1%})" for shape, n in usual)
    return pc.is_in(shapes, value_set=pa.array([shape for shape, _ in usual])), pattern


def _words(texts: pa.Array) -> pa.Array:
    """Texts in lower case, words separated by one space, other signs dropped."""
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\p{L}\p{Nd}]+", " "))


def _matches(words: pa.Array, alternatives: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.match_substring_regex(words, rf"(^| )({alternatives})s?( |$)")


def _only_service(words: pa.Array) -> pa.Array:
    """Whether all words are service or filler words, at least one of them a service word."""
    import pyarrow.compute as pc

    alternatives = "|".join((*SERVICE_WORDS, *FILLER_WORDS))
    every = pc.match_substring_regex(words, rf"^(({alternatives})( |$))+$")
    return pc.and_(every, _matches(words, "|".join(SERVICE_WORDS)))
