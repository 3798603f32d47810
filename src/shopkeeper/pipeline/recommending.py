"""From a question in ids to `Recommendations` with sources and reasons, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.pipeline.asking import Answer, Ask, Filters
from shopkeeper.pipeline.explain import sentence
from shopkeeper.recommenders.questions import Question
from shopkeeper.recommenders.recommendations import Recommendations
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline


def answers_of(
    pipeline: Pipeline, question: Question, k: int, filters: Filters, excluded: Int32Array, explain: bool = False,
    moments: Int64Array | None = None,
) -> list[Answer]:  # fmt: skip
    """The pipeline's answer to each shopper of a question.

    Args:
        pipeline: Who answers.
        question: Shoppers and histories.
        k: How many items.
        filters: Which may come out.
        excluded: int32 [n]; items that must not.
        explain: Give reasons.
        moments: int64 [n]; as of when each asks; None is at the last event of each.
    """
    found: list[Answer] = []
    for start, batch in question.histories.batches(pipeline.batch_size()):
        users = question.user_index[start : start + len(batch)].tolist()
        times = [None] * len(batch) if moments is None else moments[start : start + len(batch)].tolist()
        asks = [
            Ask(user, batch.slice(row, row + 1), k, filters, excluded, explain, moment=moment)
            for row, (user, moment) in enumerate(zip(users, times, strict=True))
        ]
        found.extend(pipeline.answer(asks))
    return found


def as_arrays(answers: list[Answer], k: int) -> tuple[Int32Array, Float32Array, BoolArray]:
    """Items int32 [b, k], 0 where there are fewer, their scores, and whether they come from the fallbacks."""
    chosen = np.zeros((len(answers), k), dtype=np.int32)
    scores = np.full((len(answers), k), -np.inf, dtype=np.float32)
    from_fallback = np.zeros((len(answers), k), dtype=bool)
    for row, one in enumerate(answers):
        size = len(one.item_index)
        chosen[row, :size], scores[row, :size] = one.item_index, one.scores
        from_fallback[row, size - one.fallback : size] = True
    return chosen, scores, from_fallback


def as_recommendations(pipeline: Pipeline, question: Question, answers: list[Answer], k: int) -> Recommendations:
    """Answers under the ids of the shop."""
    chosen, scores, from_fallback = as_arrays(answers, k)
    explained = any(answer.reasons for answer in answers)
    return Recommendations(
        question.user_ids,
        chosen,
        scores,
        from_fallback,
        pipeline.train.items,
        pipeline.name,
        ignored=question.ignored,
        sources=[answer.sources for answer in answers],
        reasons=[_sentences(pipeline, answer) for answer in answers] if explained else None,
    )


def _sentences(pipeline: Pipeline, answer: Answer) -> list[str]:
    named = sorted({item for reason in answer.reasons for item in reason.evidence})
    names = dict(zip(named, map(str, pipeline.train.items.ids(named)), strict=True))
    return [sentence(reason, pipeline.facts, names) for reason in answer.reasons]
