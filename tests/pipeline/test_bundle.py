"""A bundle answers as the model that went into it, and a damaged one is refused while the old one stays."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from shopkeeper import artifacts
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ArtifactError, UnknownIdError
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.machine import describe_processor
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings


@pytest.fixture
def bundle(cycle: Dataset) -> Bundle:
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = Transitions().fit(parts.train)
    return make_bundle(model, cycle, parts, TrainingSettings(), evaluations=[], seconds=0.1)


def answers(bundle: Bundle) -> list[object]:
    known = bundle.recommender.recommend([100, 101, 102], k=5)
    history = bundle.recommender.recommend(histories=[["item-03", "item-04"], ["nothing like it"]], k=5)
    return [list(known), list(history), history.ignored, list(bundle.similar_items(["item-05"], k=3))]


def test_loaded_answers_equal_saved_ones(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    assert answers(loaded) == answers(bundle)
    assert loaded.card.replace(log={}) == bundle.card.replace(log={})
    kept = tmp_path / "bundle" / "log.parquet"
    assert loaded.card.log == {"kept": True, "events": bundle.card.data["events"], "bytes": kept.stat().st_size}
    assert loaded.recommender.hide_seen == bundle.recommender.hide_seen


def test_it_remembers_events_later_than_the_training_part(bundle: Bundle, cycle: Dataset) -> None:
    last = cycle.histories.items_of(0)[-1]
    expected = cycle.items.ids([int(last) % cycle.n_items + 1])[0]
    assert bundle.recommender.recommend([100], k=1)[0][0].item_id == expected


def test_the_card_tells_where_it_came_from(bundle: Bundle, cycle: Dataset) -> None:
    assert bundle.card.model == "Transitions"
    assert bundle.card.data["hash"] == cycle.data_hash
    assert bundle.card.data["events"] == cycle.n_events
    assert bundle.card.versions["shopkeeper"]
    assert bundle.card.machine == describe_processor()  # a network adds where and how it was trained
    assert bundle.card.metrics == []
    assert "measured nothing" in bundle.card.not_measured


def test_saving_again_gives_the_same_bytes(bundle: Bundle, tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        bundle.save(tmp_path / name)
        hashes.append(json.loads((tmp_path / name / "manifest.json").read_text())["files"])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    "name", ["pipeline/recommenders/0/state.safetensors", "pipeline/memory/item_index.npy", "card.json"]
)
def test_truncated_edited_and_missing_files_are_refused(bundle: Bundle, tmp_path: Path, name: str) -> None:
    bundle.save(tmp_path / "bundle")
    file = tmp_path / "bundle" / name
    whole = file.read_bytes()
    for broken in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], None):
        file.write_bytes(broken) if broken is not None else file.unlink()
        with pytest.raises(ArtifactError, match=file.name):
            Bundle.load(tmp_path / "bundle")
    file.write_bytes(whole)
    assert answers(Bundle.load(tmp_path / "bundle")) == answers(bundle)


def test_a_foreign_folder_is_refused(bundle: Bundle, cycle: Dataset, tmp_path: Path) -> None:
    cycle.save(tmp_path / "dataset")
    with pytest.raises(ArtifactError, match="another kind"):
        Bundle.load(tmp_path / "dataset")
    with pytest.raises(ArtifactError, match="no artifact"):
        Bundle.load(tmp_path / "nowhere")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="did not write"):
        bundle.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_full_disk_leaves_the_old_bundle_whole(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.save(tmp_path / "bundle")
    before = (tmp_path / "bundle" / "manifest.json").read_bytes()

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artifacts.ArtifactWriter, "array", no_space)
    with pytest.raises(ArtifactError, match="No space left"):
        bundle.save(tmp_path / "bundle")
    monkeypatch.undo()
    assert (tmp_path / "bundle" / "manifest.json").read_bytes() == before
    assert answers(Bundle.load(tmp_path / "bundle")) == answers(bundle)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_similar_items_refuse_unknown_items(bundle: Bundle) -> None:
    with pytest.raises(UnknownIdError):
        bundle.similar_items(["nothing like it"])
