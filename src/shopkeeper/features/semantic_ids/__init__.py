"""Semantic ids: what an item is, in a few digits that begin alike for items that are alike."""

from shopkeeper.features.semantic_ids.codebooks import Codebooks, CodebookSettings
from shopkeeper.features.semantic_ids.ids import SemanticIds
from shopkeeper.features.semantic_ids.quality import SemanticIdQuality, quality

__all__ = ["CodebookSettings", "Codebooks", "SemanticIdQuality", "SemanticIds", "quality"]
