"""Text normalization: one spelling for what a shopper reads as the same text.

Unicode NFKC (full-width forms, ligatures and compatibility characters become the plain ones), case folding, control
and invisible characters out, runs of white space to one space. Emoji keep their joiners and variation selectors, and
Chinese, Arabic or Thai text is left as it is. Normalizing twice changes nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    import pyarrow as pa

_INVISIBLE = (
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]+"
)
"""Control characters, soft hyphen, zero-width space, marks of direction, byte order mark. Not in it: the two
zero-width (non-)joiners, which emoji and some scripts need, and white space."""
_SEPARATOR = "\x00"
_ROWS_AT_ONCE = 65_536


def normalize_text(column: pa.Array, fold_case: bool = True) -> pa.Array:
    """Normalizes a column of texts.

    Args:
        column: string or large_string [n].
        fold_case: Whether letters that differ only by case become the same (`Straße` and `STRASSE` too).

    Returns:
        large_string [n]; null stays null, a text of nothing but white space becomes the empty text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    texts = pc.replace_substring_regex(column.cast(pa.large_string()), _INVISIBLE, "")
    texts = pc.utf8_normalize(texts, form="NFKC")
    texts = _fold(texts) if fold_case else texts
    words = pc.utf8_split_whitespace(texts)
    return pc.utf8_trim_whitespace(pc.binary_join(words, pa.scalar(" ", pa.large_string())))


def _fold(texts: pa.Array) -> pa.Array:
    """Case folding (and NFKC again) of many texts at once: joined, folded as one string, and taken apart again.

    The separator occurs in no text (control characters are out already) and does not compose with its neighbors, so
    the joint changes nothing. Arrow itself only has lower case, which leaves `ß` and the final sigma.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces = []
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        piece = texts.slice(start, _ROWS_AT_ONCE)
        joined = _SEPARATOR.join(pc.fill_null(piece, "").to_pylist())
        folded = pa.array(_fold_text(joined).split(_SEPARATOR), pa.large_string())
        pieces.append(pc.if_else(piece.is_null(), pa.scalar(None, pa.large_string()), folded))
    return pa.concat_arrays(pieces) if pieces else texts


def _fold_text(text: str) -> str:
    folded = normalize("NFKC", text.casefold())
    while (again := normalize("NFKC", folded.casefold())) != folded:  # a few characters need a second round
        folded = again
    return folded
