"""Asks for the attributes of many items: each different one once, those known not at all, until answers are valid."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final

from shopkeeper.features.attributes.answers import AnswerCache, Answered
from shopkeeper.features.attributes.checking import AnswerChecker
from shopkeeper.features.attributes.extractor import Asked, Extractor
from shopkeeper.features.attributes.pictures import NoPictures
from shopkeeper.features.attributes.schema import Wanted
from shopkeeper.features.vector_cache import content_key
from shopkeeper.progress import Progress

PARTING: Final = b"\x00picture\x00"
LONGEST_KEPT: Final = 500
"""Characters of a wrong answer that are shown to the model that gave it."""


@dataclass(frozen=True)
class Item:
    """What is asked about.

    Attributes:
        text: What is written of it.
        place: Of its picture.
    """

    text: str
    place: int


@dataclass(frozen=True)
class Extracted:
    """Attributes of items, and what it took.

    Attributes:
        answers: One an item.
        n_distinct: Different items.
        n_asked: Those that were asked about now; the others were known.
        n_damaged: Damaged files of the cache, whose items were asked about again.
        seconds: Time of asking, without reading the model.
    """

    answers: list[Answered]
    n_distinct: int
    n_asked: int
    n_damaged: int
    seconds: float


class Extraction:
    """All that stays the same while items are asked about.

    Args:
        extractor: Tells the attributes.
        wanted: Which ones.
        tries: Answers asked for until one is valid.
        pictures: Of the items, by place.
    """

    def __init__(
        self, extractor: Extractor, wanted: Wanted, tries: int = 3, pictures: NoPictures | None = None
    ) -> None:
        self._extractor = extractor
        self._checker = AnswerChecker(wanted)
        self._tries = tries
        self._pictures = pictures or NoPictures()

    def run(self, items: Sequence[Item], cache: AnswerCache, progress: Progress | None = None) -> Extracted:
        """Attributes of items, from the cache as far as it has them.

        Args:
            items: None with an empty text.
            cache: Of this extractor, schema and examples; an answer goes there when it comes.
            progress: Told how far it is, how fast, and the share of valid answers.

        Raises:
            EndpointError: The model is elsewhere and does not answer; what it answered before is in the cache.
            MissingDependencyError: A library or the package with the weights is not installed.
            ArtifactError: The cache cannot be written.
        """
        keys = [self._key(item) for item in items]
        known = cache.read()
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
        seconds = 0.0
        if missing:
            self._extractor.load()
            begin = time.perf_counter()
            known |= self._ask_all(missing, cache, progress)
            seconds = time.perf_counter() - begin
        return Extracted([known[key] for key in keys], len(set(keys)), len(missing), cache.n_damaged, seconds)

    def ask(self, item: Item) -> Answered:
        """Attributes of one item; asks until an answer is valid or the tries are used up."""
        picture = self._pictures.show(item.place)
        asked, unknown = Asked(item.text, picture), 0
        while True:
            answer = self._extractor.answer(asked)
            checked = self._checker.check(answer, item.text)
            unknown += len(checked.unknown)
            if not checked.faults or asked.attempt >= self._tries:
                valid = not checked.faults
                return Answered(checked.values, valid, asked.attempt, unknown, checked.ungrounded, checked.faults)
            asked = Asked(item.text, picture, asked.attempt + 1, answer[:LONGEST_KEPT], checked.faults)

    def _key(self, item: Item) -> str:
        picture = self._pictures.key(item.place)
        return content_key(item.text.encode("utf-8", "replace") + (PARTING + picture if picture else b"")).hex()

    def _ask_all(self, missing: dict[str, Item], cache: AnswerCache, progress: Progress | None) -> dict[str, Answered]:
        if progress:
            progress.start(f"asking {self._extractor.name}", len(missing))
        found, n_valid, begin = dict[str, Answered](), 0, time.perf_counter()
        with cache:
            for key, answered in self._answers(missing, cache):
                found[key] = answered
                n_valid += answered.valid
                if progress:
                    speed = len(found) / (time.perf_counter() - begin)
                    progress.advance(1, {"items/s": speed, "valid": n_valid / len(found)})
        if progress:
            progress.finish()
        return found

    def _answers(self, missing: dict[str, Item], cache: AnswerCache) -> Iterable[tuple[str, Answered]]:
        """Answers as they come. One that fails ends all, but those under way come into the cache first."""

        def ask(key: str, item: Item) -> tuple[str, Answered]:
            answered = self.ask(item)
            cache.add(key, answered)
            return key, answered

        if self._extractor.at_once == 1:
            for key, item in missing.items():
                yield ask(key, item)
            return
        threads = ThreadPoolExecutor(self._extractor.at_once)
        try:
            for done in as_completed([threads.submit(ask, key, item) for key, item in missing.items()]):
                yield done.result()
        finally:
            threads.shutdown(cancel_futures=True)
