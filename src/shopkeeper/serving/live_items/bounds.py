"""What an item may bring. Whatever it brings stays in memory and in the store for ever, over restarts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple

from shopkeeper.data import schema
from shopkeeper.data.categories import CategoryFormat
from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.serving.event_store.item_changes import REMOVED, StoredItemChange
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.settings import ServiceSettings

OURS = frozenset({*schema.CATALOG_COLUMNS, REMOVED})
"""Names of facts that are no attributes."""
ANY_FORMAT = CategoryFormat()


class ItemBounds(NamedTuple):
    """Bounds of one shop's items.

    Attributes:
        category_steps: Most steps of a category.
        category_characters: Longest category.
        attributes: Most names of attributes over all items together.
        attribute_characters: Longest name of an attribute.
    """

    category_steps: int
    category_characters: int
    attributes: int
    attribute_characters: int

    @staticmethod
    def of(settings: ServiceSettings) -> ItemBounds:
        """Those of a service."""
        return ItemBounds(
            settings.max_category_steps, settings.max_category_characters, settings.max_attributes,
            settings.max_attribute_characters,
        )  # fmt: skip

    def check(self, facts: Mapping[str, Any], known: Set[str], format_: CategoryFormat, where: str = "") -> None:
        """Refuses facts that bring too much.

        Args:
            facts: Columns of the catalog to values.
            known: Names of attributes that the shop has already.
            format_: How it writes categories.
            where: What stands before the names in the error.

        Raises:
            InvalidError: A category has too many steps or characters, the name of an attribute is too long, or with
                these attributes the shop has too many.
        """
        self._check_category(facts.get(schema.CATEGORY), format_, f"{where}{schema.CATEGORY}")
        names = attribute_names([facts])
        longest = max(map(len, names), default=0)
        if longest > self.attribute_characters:
            raise InvalidError(
                f"{where}attributes has too long a name", expected=f"at most {self.attribute_characters} characters",
                got=f"{longest}",
            )  # fmt: skip
        new = names - known
        if new and len(known) + len(new) > self.attributes:
            raise InvalidError(
                f"{where}attributes would bring too many names into this shop",
                expected=f"at most {self.attributes} over all items", got=f"{len(known) + len(new)}",
                remedy="use names that are there; service.max_attributes allows more",
            )  # fmt: skip

    def is_over(self, facts: Mapping[str, Any]) -> bool:
        """Whether facts bring too much into any shop, whatever it has already."""
        try:
            self.check(facts, set(), ANY_FORMAT)
        except InvalidError:
            return True
        return False

    def _check_category(self, category: Any, format_: CategoryFormat, where: str) -> None:
        if not isinstance(category, str):
            return
        if len(category) > self.category_characters:
            raise InvalidError(
                f"{where} is too long", expected=f"at most {self.category_characters} characters",
                got=f"{len(category)}",
            )  # fmt: skip
        steps = (format_.written(category) or "").count(CATEGORY_SEPARATOR) + 1
        if steps > self.category_steps:
            raise InvalidError(f"{where} is too deep", expected=f"at most {self.category_steps} steps", got=f"{steps}")


DEFAULT_BOUNDS = ItemBounds.of(ServiceSettings())


def attribute_names(facts: Iterable[Iterable[str]]) -> set[str]:
    """Names of attributes among those of facts, or of columns of a catalog."""
    return {name for one in facts for name in one if name not in OURS}


def within(
    stored: Iterable[StoredItemChange], bounds: ItemBounds, known: Set[str], format_: CategoryFormat = ANY_FORMAT
) -> tuple[list[StoredItemChange], list[tuple[StoredItemChange, InvalidError]]]:
    """Changes that keep the bounds, one after the other, and those that do not, each with what is wrong."""
    names, kept, left_out = set(known), [], []
    for one in stored:
        facts = one.change.facts
        try:
            bounds.check(facts, names, format_)
        except InvalidError as error:
            left_out.append((one, error))
        else:
            kept.append(one)
            names |= attribute_names([facts])
    return kept, left_out
