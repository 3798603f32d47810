"""All settings of features in one object: the section `[features]` of a shop's file."""

from __future__ import annotations

from shopkeeper.config import Settings
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.tabular import TabularSettings
from shopkeeper.features.text.settings import TextSettings


class ItemFeatureSettings(Settings):
    """How items become vectors."""

    text: TextSettings = TextSettings()
    """Of their texts."""
    image: ImageSettings = ImageSettings()
    """Of their pictures."""
    attributes: AttributesSettings = AttributesSettings()
    """What texts and pictures say of them, as typed attributes."""
    tabular: TabularSettings = TabularSettings()
    """Of the columns of the catalog and the log."""
