"""Items like those of the history, by what the catalog says of them. Nothing is learned from behavior.

It knows new items as well as old ones, and errs where models of behavior do not: alone it is weak, in a `Blend` it
brings what no log can tell.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.recommenders.content_links import ContentWeights, content_links
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.item_links import ItemLinks
from shopkeeper.recommenders.sparse import Csr, csr_from_state, csr_state, history_matrix
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings


class ContentKNNConfig(RecommenderConfig):
    """Settings of `ContentKNN`."""

    neighbors: Annotated[int, Field(ge=1)] = 1000
    """So many most alike items of each item are kept."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.6
    """An event weighs this factor less for each later one."""
    content: ContentWeights = ContentWeights()
    """Weight of each part of the catalog."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {
        "neighbors": Integers(50, 2000, log=True),
        "history_decay": Floats(0.3, 1.0),
    }


class ContentKNN(ItemLinks):
    """Nearest neighbors by title, brand and category; an item of which the catalog says nothing has none."""

    Config = ContentKNNConfig
    config: ContentKNNConfig
    learns = "counts"

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        self.weights = self.config.weights.relative(train.histories)
        self.links = content_links(train, self.config.content, self.config.neighbors)

    def rows(self, histories: Histories) -> Csr:
        """The decayed weights of the items of the history."""
        return history_matrix(histories, self.train.n_items, self.weights, "log", self.config.history_decay)

    def state(self) -> dict[str, NDArray[Any]]:
        """The neighbors and the event weights."""
        return {"weights": self.weights, **csr_state(self.links, "neighbors")}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the neighbors and the weights."""
        self.weights = state["weights"]
        self.links = csr_from_state(state, "neighbors", self.train.n_items + 1, self.train.n_items + 1)
