"""The goods on the page: features, map, semantic ids, contact sheet, on three kinds of products with pictures."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from outline import Outline
from PIL import Image

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.report import ReportInputs, ReportSettings, render_report
from shopkeeper.evaluation.report.categories import categories_of
from shopkeeper.evaluation.report.sections import contact_sheet
from shopkeeper.evaluation.report.sections.goods import goods_section
from shopkeeper.evaluation.report.sections.semantic_ids import coded_by_means
from shopkeeper.features.feature import Feature
from shopkeeper.features.image.sources import ImageBytes
from shopkeeper.features.semantic_ids import SemanticIds

N_ITEMS = 30
"""Of the log that all tests of the report share."""
EVIL = "<script>alert('tea & cake')</script>"
KINDS = ("Cakes", "Lamps", "Hats")
SETTINGS = ReportSettings(sheet_items=2, sheet_neighbors=3, id_examples=2)
KIND = np.arange(N_ITEMS) % 3


def picture(kind: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), [(255, 0, 0), (0, 255, 0), (0, 0, 255)][kind]).save(file, "PNG")
    return file.getvalue()


def feature(name: str, items: Vocabulary, seed: int, **facts: object) -> Feature:
    noise = np.random.default_rng(seed).normal(size=(N_ITEMS, 6))
    vectors = np.concatenate([np.zeros((1, 6)), 5 * np.eye(3, 6)[KIND] + 0.3 * noise]).astype(np.float32)
    return Feature(name, items, vectors, np.arange(N_ITEMS + 1) > 0, facts)


@pytest.fixture(scope="module")
def goods(bare: ReportInputs) -> ReportInputs:
    items = bare.dataset.items
    table = pa.table({
        "item_id": items.arrow,
        "title": [f"{KINDS[kind]} {EVIL} {place}" for place, kind in enumerate(KIND)],
        "category": [f"Shop > {KINDS[kind]}" for kind in KIND],
    })  # fmt: skip
    dataset = replace(bare.dataset, catalog=Catalog(table))
    said = f"half of {EVIL} is in a script that the model does not know"
    text = feature("text-x", items, 0, warnings=[said], scripts={"Latin": 0.5, "Han": 0.5})
    image = feature("image-x", items, 1, faults={"missing": 4})
    pictures = ImageBytes([picture(kind) if place else b"broken" for place, kind in enumerate(KIND)])
    return replace(bare, dataset=dataset, features=[text, image], pictures=pictures)


@pytest.fixture(scope="module")
def body(goods: ReportInputs) -> str:
    return goods_section(goods, SETTINGS).body


def test_the_page_with_goods_is_well_formed_and_loads_nothing(goods: ReportInputs) -> None:
    page = render_report(goods, SETTINGS)
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == [] and len(found.ids) == len(set(found.ids))
    assert all(target.startswith(("#", "data:image/jpeg;base64,")) for _, target in found.links)
    assert "<script" not in page


def test_features_tell_coverage_scripts_faults_and_warnings(body: str) -> None:
    assert "Latin 50.0" in body and "4 missing" in body
    assert re.search(r'class="badge warning">warning</span><div>text-x: half of &lt;script', body)


def test_the_map_has_a_dot_an_item_colored_by_what_tells_apart(body: str) -> None:
    assert body.count("<circle") == N_ITEMS
    assert [re.search(f"</span>{kind}</li>", body) is not None for kind in KINDS] == [True] * 3
    assert "Shop</li>" not in body, "a step that all share is no color"
    assert set(re.findall(r"<text[^>]*>([^<]*)</text>", body)) <= set(KINDS)
    assert re.search(r"<title>Cakes &lt;script", body)


def test_texts_that_name_the_category_prove_nothing_about_it(goods: ReportInputs, body: str) -> None:
    text = replace(goods.features[0], facts={"columns": ["title", "category"]})
    told = goods_section(replace(goods, features=[text, goods.features[1]]), SETTINGS).body
    for sentence in ("lie apart is no surprise", "theirs is high proves little", "they find it is no surprise"):
        assert sentence in told and sentence not in body
    assert "without having been told" in body and "without having been told" not in told


def test_neighbors_are_of_the_same_kind_and_have_pictures(body: str) -> None:
    assert "100\u202f% by text, 100\u202f% by picture and 100\u202f% by both are of the same category" in body
    assert body.count('class="sheet"') == 2
    uris = re.findall(r'<img src="data:image/jpeg;base64,([^"]*)"', body)
    assert uris
    color = np.asarray(Image.open(io.BytesIO(base64.b64decode(uris[0]))))[52, 52]
    assert color.max() > 200 > color.min()


def test_pictures_are_bounded_in_bytes_and_a_broken_one_is_left_out(goods: ReportInputs) -> None:
    few = goods_section(goods, SETTINGS.replace(sheet_bytes=2500)).body
    assert 0 < sum(map(len, re.findall(r'src="([^"]*)"', few))) <= 2500
    assert "<img" not in goods_section(goods, SETTINGS.replace(sheet_bytes=0)).body
    bad = replace(goods, pictures=ImageBytes([b"broken"] * N_ITEMS))
    assert "<img" not in goods_section(bad, SETTINGS).body


def test_of_a_large_catalog_a_sample_is_searched_and_pictures_stay_with_their_items(
    goods: ReportInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheet, "SEARCHED", 18)
    shown = goods_section(goods, SETTINGS.replace(sheet_items=6)).body.partition("What lies near")[2]
    assert "100\u202f% by text" in shown
    for uri, kind in re.findall(r'<img src="data:image/jpeg;base64,([^"]*)" alt="(\w+)', shown):
        color = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri))))[52, 52]
        assert int(color.argmax()) == KINDS.index(kind)


def test_without_an_item_that_has_all_features_nothing_is_compared(goods: ReportInputs) -> None:
    text, image = goods.features
    half = [replace(text, known=text.known & (np.arange(N_ITEMS + 1) % 2 == 0)),
            replace(image, known=image.known & (np.arange(N_ITEMS + 1) % 2 == 1))]  # fmt: skip
    assert "nothing to compare" in goods_section(replace(goods, features=half), SETTINGS).body


def test_ids_of_codebooks_and_of_models_are_told(goods: ReportInputs, body: str) -> None:
    assert "k-means over text-x" in body
    n = goods.split.train.n_items
    codes = np.stack([np.arange(n) // 4, np.arange(n) % 4], axis=1).astype(np.int32)
    shown = goods_section(replace(goods, semantic_ids={"TIGER": SemanticIds.of(codes, (8, 4))}), SETTINGS).body
    assert "<td>TIGER</td>" in shown and "8 x 4" in shown
    assert "Groups drawn at random of the items of TIGER" in shown


def test_items_of_a_kind_begin_alike(goods: ReportInputs) -> None:
    coded = coded_by_means(goods.features[0], 0)
    first = coded.ids.digits[1:, 0]
    assert len({(kind, digit) for kind, digit in zip(KIND, first, strict=True)}) == len(set(first))


def test_without_a_catalog_or_vectors_less_is_shown(goods: ReportInputs) -> None:
    bare = replace(goods, dataset=replace(goods.dataset, catalog=None), pictures=None)
    shown = goods_section(bare, SETTINGS).body
    assert "<circle" in shown and "same category" not in shown.partition("What lies near")[2]
    tabular = replace(goods.features[0], name="tabular")
    only = goods_section(replace(goods, features=[tabular]), SETTINGS).body
    assert "<circle" not in only and "tabular" in only


def test_categories_are_those_of_the_step_that_tells_apart() -> None:
    ids = Vocabulary(range(5))
    paths = ["A > B > x", "A > B > y", "A > C", None, "A > C > z"]
    found = categories_of(Catalog(pa.table({"item_id": range(5), "category": paths})), ids)
    assert found is not None
    assert found.names == ("B", "C")
    assert found.codes.tolist() == [-1, 0, 0, 1, -1, 1]
    assert found.leaves == ("", "x", "y", "C", "", "z")
    assert categories_of(Catalog(pa.table({"item_id": range(5)})), ids) is None
