"""Example shoppers: what they did, what they did next, and what the models would have shown them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from shopkeeper.data.holdout import Holdout
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, tag
from shopkeeper.evaluation.report.products import Product, products
from shopkeeper.evaluation.report.sampling import Drawn, draw, lists
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import Id, Int32Array

TARGETS_SHOWN = 8


def examples_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Some shoppers by name, with hits marked."""
    title = "Some shoppers, one by one"
    on_validation = inputs.board is not None and inputs.board.protocol.part == "validation"
    holdout = inputs.split.validation if on_validation else inputs.split.test
    models = list(inputs.recommenders)
    if not models or settings.examples == 0:
        return Section("examples", title, note("No model was given to show examples of."))
    drawn = draw(models[0], holdout, settings.k, settings.examples, settings.example_seed)
    if not len(drawn.places):
        return Section("examples", title, note("Nobody was asked, so there is nobody to show."))
    chosen = holdout.take(drawn.places)
    shown = [(model.name, lists(model, chosen, settings.k)) for model in models]
    cards = _Cards(inputs, settings, models[0], chosen, shown)
    return Section("examples", title, join([_lead(drawn, models[0], settings), *cards.all(drawn)]))


def _lead(drawn: Drawn, model: Recommender, settings: ReportSettings) -> Html:
    n_hits = int(drawn.hit.sum())
    text = (
        f"Chosen at random (seed {settings.example_seed}) from {wording.plural(drawn.pool, 'shopper')}: "
        f"{n_hits} for whom {model.name} hits and {len(drawn.hit) - n_hits} for whom it does not. "
        f"Among all {wording.count(drawn.pool)} it hits for {wording.percent(drawn.pool_hits / drawn.pool)}. "
    )
    return paragraph(text, "A hit is marked ", tag("strong", "✓"), ".")


class _Cards:
    """Writes the cards; holds what all of them need."""

    def __init__(
        self,
        inputs: ReportInputs,
        settings: ReportSettings,
        model: Recommender,
        holdout: Holdout,
        shown: Sequence[tuple[str, Int32Array]],
    ) -> None:
        self.settings, self.holdout, self.shown = settings, holdout, shown
        self.items = model.train.items
        indices = [holdout.histories.item_index, holdout.targets.item_index, *(found.ravel() for _, found in shown)]
        used = np.unique(np.concatenate(indices))
        self.id_of: dict[int, Id] = dict(zip(used[used > 0].tolist(), self.items.ids(used[used > 0]), strict=True))
        self.product = products(inputs.dataset.catalog, self.id_of.values())

    def all(self, drawn: Drawn) -> list[Html]:
        """One card a shopper."""
        return [self.card(place, bool(hit)) for place, hit in enumerate(drawn.hit)]

    def card(self, place: int, hit: bool) -> Html:
        """The card of the shopper at this place."""
        user = self.holdout.user_ids[place].as_py()
        events = int(self.holdout.histories.lengths[place])
        targets = set(self.holdout.targets.items_of(place).tolist()) - {0}
        listed = [row[place][row[place] > 0].tolist() for _, row in self.shown]
        head = tag("header", tag("h3", f"Shopper {user}"), tag("span", wording.plural(events, "event"), " before"),
                   tag("span", "hit" if hit else "no hit", class_="badge good" if hit else "badge"))  # fmt: skip
        marked = [self.entry(item, item in targets) for item in listed[0]]
        recommended = join([tag("h4", f"{self.shown[0][0]} recommends"), tag("ol", *marked)])
        columns = [self.history(place), self.targets(place, set(listed[0])), recommended]
        body = tag("div", *(tag("div", column) for column in columns), class_="columns")
        return tag("article", head, body, self.tally(listed, targets), class_="shopper")

    def tally(self, listed: Sequence[list[int]], targets: set[int]) -> Html:
        """How many held-out items each model has in its list."""
        counts = [f"{name} {len(targets & set(items))}" for (name, _), items in zip(self.shown, listed, strict=True)]
        return note(
            f"Of {wording.plural(len(targets), 'held-out item')} in the top {self.settings.k}: {', '.join(counts)}."
        )

    def history(self, place: int) -> Html:
        """The most recent items, newest first, with what was done."""
        histories = self.holdout.histories
        one = slice(int(histories.offsets[place]), int(histories.offsets[place + 1]))
        latest: dict[int, str] = {}
        for item, code in zip(histories.item_index[one][::-1].tolist(), histories.event_type[one][::-1], strict=True):
            latest.setdefault(item, str(EVENT_TYPES[int(code) - 1]))
            if len(latest) > self.settings.example_history:
                break
        recent = list(latest.items())[: self.settings.example_history]
        entries = [self.entry(item, False, did) for item, did in recent]
        rows = tag("ul", *entries) if entries else note("nothing that training has seen")
        return join([tag("h4", "Before, newest first"), rows])

    def targets(self, place: int, listed: set[int]) -> Html:
        """What the shopper did then; what was hit first."""
        targets = self.holdout.targets.items_of(place).tolist()
        known = sorted(dict.fromkeys(item for item in targets if item > 0), key=lambda item: item not in listed)
        entries = [self.entry(item, item in listed) for item in known[:TARGETS_SHOWN]]
        rest = [wording.plural(len(known) - TARGETS_SHOWN, "more item")] if len(known) > TARGETS_SHOWN else []
        if unseen := targets.count(0):
            rest.append(f"{wording.plural(unseen, 'event')} on items that training has not seen")
        more = note("and " if entries else "", wording.listing(rest), ".") if rest else Html()
        return join([tag("h4", "Then (held out)"), tag("ul", *entries) if entries else Html(), more])

    def entry(self, item: int, hit: bool, did: str | None = None) -> Html:
        """One product as an entry of a list."""
        product: Product = self.product[self.id_of[item]]
        price = None if product.price is None else f"{self.settings.currency}{product.price:,.2f}"
        if price is not None and product.currency and not self.settings.currency:
            price = f"{price} {product.currency}"
        small = _dotted([did, product.detail, price])
        tick = tag("span", "✓", class_="tick", title="held out and recommended") if hit else Html()
        return tag("li", tick, tag("span", product.title, class_="title"), tag("small", small) if small else Html(),
                   class_="hit" if hit else None)  # fmt: skip


def _dotted(parts: Iterable[str | None]) -> str:
    return " · ".join(part for part in parts if part)
