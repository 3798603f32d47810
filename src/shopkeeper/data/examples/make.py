"""Makes examples of a log, as the settings say."""

from __future__ import annotations

from dataclasses import replace

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.anchored import anchored
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.given import at_landmarks
from shopkeeper.data.examples.sampled import sampled
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.examples.shoppers import of_shoppers
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import EventType


def make_examples(
    dataset: Dataset, settings: ExampleSettings | None = None, start: int | None = None, until: int | None = None
) -> Examples:
    """Examples with moments from `start` on, whose horizon of days ends by `until`.

    For a time split: training until the end of training, validation from there on, each with what is known by its own
    end. Events at or after `until` are not looked at, so that no label of training knows them. A horizon of a session
    or of the next event has no fixed length; it is cut at the end.

    Args:
        dataset: The log.
        settings: What an example is; None takes the defaults.
        start: Unix microseconds; None is the begin of the log.
        until: Unix microseconds; None is the end of the log.

    Returns:
        The examples, in the order of shoppers or of moments, without features.

    Raises:
        DataError: The log has not what the settings ask for.
    """
    settings = settings if settings is not None else ExampleSettings()
    return replace(_made(Window.of(dataset, settings, start, until)), settings=settings)


def _made(window: Window) -> Examples:
    settings = window.settings
    if settings.about_shoppers:
        return of_shoppers(window)
    if settings.given is not None:
        return anchored(window, settings.given) if settings.moment == "visit" else at_landmarks(window, settings.given)
    return anchored(window, EventType.IMPRESSION) if stands_at_events(window) else sampled(window)


def stands_at_events(window: Window) -> bool:
    """Whether the pairs are those of events: given ones, or impressions; if not, they are pairs with the catalog."""
    settings = window.settings
    if settings.candidates == "auto" and settings.given is None:
        return settings.moment == "visit" and bool((window.kind == EventType.IMPRESSION.code).any())
    return settings.candidates != "catalog"
