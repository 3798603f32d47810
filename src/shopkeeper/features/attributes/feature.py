"""The attributes of items as a feature: a table of values beside a matrix of zeros and ones, and how they were made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.data.schema import ITEM_ID
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.attributes.answers import AnswerCache, Answered
from shopkeeper.features.attributes.extraction import Extracted, Extraction, Item
from shopkeeper.features.attributes.extractor import Extractor
from shopkeeper.features.attributes.pictures import NoPictures
from shopkeeper.features.attributes.schema import Attribute, Value
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.feature import Feature
from shopkeeper.features.text.template import ItemTexts, item_texts
from shopkeeper.features.vector_cache import content_key
from shopkeeper.progress import Progress
from shopkeeper.types import Float32Array

if TYPE_CHECKING:
    import pyarrow as pa

MARK: Final = "extracted_"
"""Begins the name of a column whose values no person has entered."""
VALID, TRIES = "valid", "tries"
EXAMPLES: Final = 3
FAULTS: Final = 5
Answers = Sequence[Answered | None]
"""One an item, None for items without a text."""


def attributes_feature(
    rows: pa.Table,
    items: Vocabulary,
    settings: AttributesSettings,
    extractor: Extractor,
    pictures: NoPictures,
    cache: AnswerCache,
    progress: Progress | None = None,
) -> tuple[Feature, int]:
    """Makes the feature, and tells how many items were asked about for it.

    Args:
        rows: The catalog, a row an item.
        items: Whose rows they are.
        settings: Which attributes, template, name.
        extractor: Tells them.
        pictures: What it is shown beside texts.
        cache: Of this extractor and schema.
        progress: Told how far it is, how fast, and the share of valid answers.

    Returns:
        The feature; its table has `item_id`, an `extracted_` column an attribute, `valid` and `tries`.

    Raises:
        DataError: The catalog has none of the columns, or no item has a text.
        EndpointError: The model is elsewhere and does not answer; what it answered before is in the cache.
    """
    texts = item_texts(rows, settings.template)
    places = np.flatnonzero(texts.known).tolist()
    if not places:
        raise DataError("no item has a text", expected=f"letters in {', '.join(texts.columns)}")
    written = [Item(texts.texts[place].as_py(), place) for place in places]
    extracted = Extraction(extractor, settings.wanted, settings.tries, pictures).run(written, cache, progress)
    answers: list[Answered | None] = [None] * len(items)
    for place, answered in zip(places, extracted.answers, strict=True):
        answers[place] = answered
    columns, matrix = multi_hot(answers, settings.wanted, settings.most_texts)
    known = np.array([False, *(bool(each and each.values) for each in answers)])
    facts = {**_facts(written, texts, extracted, settings, extractor), "columns": columns}
    table = _table(items, answers, settings.wanted)
    return Feature(settings.feature_name, items, matrix, known, facts, table), extracted.n_asked


def multi_hot(answers: Answers, wanted: Mapping[str, Attribute], most_texts: int) -> tuple[list[str], Float32Array]:
    """Attributes as numbers.

    Args:
        answers: One an item.
        wanted: The attributes.
        most_texts: Columns at most for the texts of one attribute.

    Returns:
        Names of columns, and float32 [n_items + 1, columns]: 1 where an item has the value; a number as its distance
        from the mean in standard deviations, beside 1 where it is known; row 0 is zeros.
    """
    names, columns = list[str](), list[Float32Array]()
    for name, attribute in wanted.items():
        values = [None if each is None else each.values.get(name) for each in answers]
        made = _scaled(name, values) if attribute.kind == "number" else _flags(name, attribute, values, most_texts)
        names += made
        columns += made.values()
    matrix = np.zeros((len(answers) + 1, len(columns)), dtype=np.float32)
    if columns:
        matrix[1:] = np.stack(columns, axis=1)
    return names, matrix


def _scaled(name: str, values: Sequence[Value | None]) -> dict[str, Float32Array]:
    numbers = np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]
    known = ~np.isnan(numbers)
    mean = numbers[known].mean() if known.any() else 0.0
    deviation = (numbers[known].std() if known.any() else 0.0) or 1.0
    scaled = np.where(known, (np.nan_to_num(numbers) - mean) / deviation, 0.0)
    return {name: scaled.astype(np.float32), f"{name}:known": known.astype(np.float32)}


def _flags(name: str, attribute: Attribute, values: Sequence[Value | None], most_texts: int) -> dict[str, Float32Array]:
    """A column for each value: those of the schema, true and false, or the most frequent texts without their case."""
    said = [_words(value) for value in values]
    if attribute.kind == "text":
        counts = Counter(word for words in said for word in words)
        possible = sorted(counts, key=lambda word: (-counts[word], word))[:most_texts]
    else:
        possible = (
            ["true", "false"] if attribute.kind == "boolean" else [value.casefold() for value in attribute.values]
        )
    place_of = {word: place for place, word in enumerate(possible)}
    pairs = [(row, place_of[word]) for row, words in enumerate(said) for word in words if word in place_of]
    flags = np.zeros((len(values), len(possible)), dtype=np.float32)
    if pairs:
        flags[tuple(np.array(pairs).T)] = 1
    return {f"{name}:{word}": flags[:, place] for place, word in enumerate(possible)}


def _words(value: Value | None) -> list[str]:
    if value is None:
        return []
    return [str(one).casefold() for one in (value if isinstance(value, list) else [value])]


def _table(items: Vocabulary, answers: Answers, wanted: Mapping[str, Attribute]) -> pa.Table:
    """The values in columns, a row an item; null where nothing is known."""
    import pyarrow as pa

    text = pa.large_string()
    types = {"text": text, "choice": text, "choices": pa.list_(text), "number": pa.float64(), "boolean": pa.bool_()}
    columns: dict[str, Any] = {ITEM_ID: items.arrow}
    for name, attribute in wanted.items():
        values = [None if each is None else each.values.get(name) for each in answers]
        columns[MARK + name] = pa.array(values, types[attribute.kind])
    columns[VALID] = pa.array([bool(each and each.valid) for each in answers])
    columns[TRIES] = pa.array([each.tries if each else 0 for each in answers], pa.int16())
    return pa.table(columns)


def _facts(
    written: Sequence[Item], texts: ItemTexts, extracted: Extracted, settings: AttributesSettings, extractor: Extractor
) -> dict[str, Any]:
    """How they were made, plain JSON. Shares are of the items that have a text."""
    answers = extracted.answers
    n = len(answers)
    faults = Counter(fault for each in answers for fault in each.faults)
    shown = [place for place, each in enumerate(answers) if each.values][:: max(1, n // EXAMPLES)][:EXAMPLES]
    return {
        "settings": settings.model_dump(mode="json"),
        "extractor": extractor.identity,
        "schema": _schema_hash(settings),
        "columns_read": list(texts.columns),
        "missing_columns": list(texts.missing),
        "items": len(texts.known),
        "with_text": n,
        "empty": texts.n_empty,
        "wordless": texts.n_wordless,
        "valid": round(sum(each.valid for each in answers) / n, 4),
        "valid_at_once": round(sum(each.valid and each.tries == 1 for each in answers) / n, 4),
        "unknown_keys": sum(each.unknown for each in answers),
        "have": {name: round(sum(name in each.values for each in answers) / n, 4) for name in settings.wanted},
        "ungrounded": {name: sum(name in each.ungrounded for each in answers) for name in settings.wanted},
        "invalid_examples": [fault for fault, _ in faults.most_common(FAULTS)],
        "answer_examples": [{"text": written[place].text, "values": dict(answers[place].values)} for place in shown],
        "distinct": extracted.n_distinct,
        "asked": extracted.n_asked,
        "damaged_files": extracted.n_damaged,
        "asking_seconds": round(extracted.seconds, 3),
        "items_a_second": round(extracted.n_asked / extracted.seconds, 2) if extracted.seconds else None,
        "usage": dict(extractor.usage) if extracted.n_asked else {},
        "warnings": _warnings(extracted),
    }


def _schema_hash(settings: AttributesSettings) -> str:
    described = {name: attribute.model_dump(mode="json") for name, attribute in settings.wanted.items()}
    return content_key(json.dumps(described, ensure_ascii=False).encode()).hex()


def _warnings(extracted: Extracted) -> list[str]:
    wrong = sum(not each.valid for each in extracted.answers)
    said = f"no valid answer for {wrong:,} items: they are without attributes"
    damaged = f"damaged files of the cache, asked again: {extracted.n_damaged}"
    return [text for text, count in ((said, wrong), (damaged, extracted.n_damaged)) if count]
