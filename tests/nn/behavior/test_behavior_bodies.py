"""Parts of the networks of examples say what a slow or a plain form of the same mathematics says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.behavior.batch import Embedded, ExampleBatch
from shopkeeper.nn.behavior.behavior_transformer import BehaviorTransformerBody
from shopkeeper.nn.behavior.embedding import ExampleEmbedding
from shopkeeper.nn.behavior.interaction import CrossLayer, DeepFMBody, TwoStreamBody
from shopkeeper.nn.behavior.layers import Perceptron, flat, mean_of_events
from shopkeeper.nn.behavior.losses import at_least, binary_loss, categorical_loss, focal_loss, squared_error
from shopkeeper.nn.behavior.multi_task import ExpertsBody, LayeredExpertsBody, through_the_first
from shopkeeper.nn.behavior.sequence_bodies import AppendedLSTMBody, ConvolutionEncoder
from shopkeeper.nn.behavior.target_attention import EvolutionBody, InterestBody, TargetAttention
from shopkeeper.nn.sequences import Sequences

SIZE = 8
LENGTHS = torch.tensor([3, 1, 5])
WHOSE = torch.tensor([2, 0, 0, 1])


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def embedded() -> Embedded:
    n = int(LENGTHS.sum())
    return Embedded(
        values=torch.randn(4, 3),
        fields=torch.randn(4, 2, SIZE),
        item=torch.randn(4, SIZE),
        events=torch.randn(n, SIZE),
        sequences=Sequences(torch.zeros(n, dtype=torch.int64), LENGTHS),
        whose=WHOSE,
    )


def histories(one: Embedded) -> list[Tensor]:
    """The events of each example's history, float [its length, size]."""
    parts = one.events.split(LENGTHS.tolist())
    return [parts[place] for place in WHOSE.tolist()]


def test_the_mean_of_a_history_is_that_of_its_events():
    one = embedded()
    torch.testing.assert_close(mean_of_events(one), torch.stack([part.mean(0) for part in histories(one)]))


def test_an_lstm_that_continues_says_what_one_over_the_whole_sequence_says():
    one = embedded()
    body = AppendedLSTMBody(SIZE, 6, 0.0, 0, 1).eval()
    slow = []
    for place, events in enumerate(histories(one)):
        whole = torch.cat([events, one.item[place : place + 1]])[None]
        slow.append(body.line(body.cells(whole)[1][0][0]))
    torch.testing.assert_close(body(one), torch.cat(slow))


def test_items_behind_a_shared_history_are_as_in_a_sequence_of_their_own():
    one = embedded()
    body = BehaviorTransformerBody(SIZE, 2, 2, 6, 0.0, nn.ModuleList([nn.Linear(3 + 3 * SIZE, 1)])).eval()
    for block in body.blocks:
        nn.init.normal_(block.bias.by_distance)
    slow = []
    for place, events in enumerate(histories(one)):
        hidden = body.norm(torch.cat([events, one.item[place : place + 1]]))[None]
        for block in body.blocks:  # plain causal self-attention over the item as the last event
            query, key, value = block._heads(block.project_in(hidden))
            scores = query @ key.transpose(2, 3) * (SIZE // 2) ** -0.5 + block.bias(hidden.shape[1])
            hidden = block._after(hidden, (scores.softmax(3) @ value).transpose(1, 2).flatten(2))
        slow.append(functional.relu(hidden[0, -1]))
    expected = body.perceptrons[0](flat(one, torch.stack(slow)))
    torch.testing.assert_close(body(one), expected, rtol=1e-4, atol=1e-5)


def test_target_attention_is_a_network_of_event_item_and_product():
    one = embedded()
    attention = TargetAttention(SIZE, 5)
    slow = []
    for place, events in enumerate(histories(one)):
        item = one.item[place].expand_as(events)
        hidden = attention.of_event(events) + attention.of_item(item) + attention.of_product(events * item)
        slow.append((attention.score(functional.relu(hidden)) * events).sum(0))
    interest = torch.stack(slow)
    torch.testing.assert_close(attention.interest(one), interest)
    body = InterestBody(attention, nn.Identity())
    torch.testing.assert_close(body(one), flat(one, interest, one.item, interest * one.item))


def test_the_attending_gru_updates_by_attention():
    one = embedded()
    body = EvolutionBody(SIZE, nn.Identity(), 0.5)
    slow = []
    for place, events in enumerate(histories(one)):
        states = body.extraction(events[None])[0][0]
        weights = (body.asking(states) @ one.item[place]).softmax(0)
        state = torch.zeros(SIZE)
        for step, weight in zip(states, weights, strict=True):
            update, reset = torch.sigmoid(body.gates(step) + body.gates_of_state(state)).chunk(2)
            new = torch.tanh(body.proposal(step) + reset * body.proposal_of_state(state))
            state = (1 - weight * update) * state + weight * update * new
        slow.append(state)
    states = body.extraction(one.sequences.pad(one.events))[0]
    torch.testing.assert_close(body._evolve(states, one), torch.stack(slow), rtol=1e-4, atol=1e-6)
    assert body.beside(one) > 0
    lonely = replace(one, events=one.events[:1], sequences=Sequences(torch.zeros(1, dtype=torch.int64), torch.ones(1, dtype=torch.int64)))  # fmt: skip  # noqa: E501
    assert body.beside(lonely) is None


def test_a_factorization_machine_adds_the_products_of_all_pairs():
    one = embedded()
    body = DeepFMBody(3, 2, SIZE, Perceptron(3 + 3 * SIZE, (), 1), 1)
    vectors = torch.cat([one.values[:, :, None] * body.vectors, one.fields, mean_of_events(one)[:, None, :]], dim=1)
    pairs = sum((vectors[:, i] * vectors[:, j]).sum(1) for i in range(vectors.shape[1]) for j in range(i))
    rest = body.line(flat(one)) + body.perceptron(flat(one, mean_of_events(one)))
    torch.testing.assert_close(body(one), pairs[:, None] + rest, rtol=1e-4, atol=1e-5)


def test_a_cross_layer_raises_the_degree_by_one():
    layer = CrossLayer(4, 4)
    nn.init.zeros_(layer.wide.bias)
    values = torch.randn(5, 4)
    once = layer(values, values) - values
    torch.testing.assert_close(layer(3 * values, 3 * values) - 3 * values, 9 * once)


def test_two_streams_are_fused_by_products_of_groups():
    one = embedded()
    body = TwoStreamBody(3 + 3 * SIZE, 2, SIZE, 8, 0.0, 2, groups=2).eval()
    assert body(one).shape == (4, 2)
    nn.init.zeros_(body.products)
    additive = body(one)
    nn.init.ones_(body.products)
    assert not torch.allclose(body(one), additive)


def test_a_convolution_keeps_the_strongest_answer_within_a_history():
    one = embedded()
    encoder = ConvolutionEncoder(SIZE, 3)
    found = encoder(one.events, one.sequences)[one.sequences.ends][WHOSE]
    slow = [torch.relu(encoder.filters(part.T[None]))[0].amax(1) for part in histories(one)]
    torch.testing.assert_close(found, torch.stack(slow))


def test_a_share_of_the_first_has_the_product_of_chances():
    logits = torch.tensor([[0.3, -2.0], [30.0, 30.0], [-30.0, 5.0], [40.0, -40.0]])
    chances = torch.sigmoid(through_the_first(logits).double())
    torch.testing.assert_close(chances[:, 0], torch.sigmoid(logits[:, 0].double()))
    expected = torch.sigmoid(logits[:, 0].double()) * torch.sigmoid(logits[:, 1].double())
    torch.testing.assert_close(chances[:, 1], expected, rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("body", [
    ExpertsBody(TargetAttention(SIZE, 4), 3 + 5 * SIZE, 6, 3, nn.ModuleList([nn.Linear(6, 1) for _ in range(2)]), 0.0),
    LayeredExpertsBody(
        TargetAttention(SIZE, 4), 3 + 5 * SIZE, 6, 2, 2, nn.ModuleList([nn.Linear(6, 1) for _ in range(2)]), 0.0
    ),
])  # fmt: skip
def test_experts_give_a_logit_a_behavior_and_all_of_them_learn(body):
    logits = body(embedded())
    assert logits.shape == (4, 2)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in body.parameters())


def test_own_experts_are_not_heard_by_other_behaviors():
    body = LayeredExpertsBody(
        TargetAttention(SIZE, 4), 3 + 5 * SIZE, 6, 1, 1, nn.ModuleList([nn.Linear(6, 1) for _ in range(2)]), 0.0
    )
    one = embedded()
    before = body(one)
    with torch.no_grad():
        for parameter in body.layers[0].experts[0].parameters():
            parameter.add_(1.0)
    after = body(one)
    assert not torch.allclose(after[:, 0], before[:, 0])
    torch.testing.assert_close(after[:, 1], before[:, 1])


def test_losses_are_those_of_their_papers():
    logits, labels = torch.tensor([[0.4], [-1.2]]), torch.tensor([[1.0], [0.0]])
    chance = torch.sigmoid(logits)[:, 0]
    plain = torch.stack([-chance[0].log(), -(1 - chance[1]).log()])
    torch.testing.assert_close(binary_loss()(logits, labels), plain)
    torch.testing.assert_close(binary_loss(3.0)(logits, labels), plain * torch.tensor([3.0, 1.0]))
    wrong = torch.stack([1 - chance[0], chance[1]])
    torch.testing.assert_close(focal_loss(2.0)(logits, labels), wrong**2 * plain)
    torch.testing.assert_close(focal_loss(0.0, 3.0)(logits, labels), binary_loss(3.0)(logits, labels))
    torch.testing.assert_close(squared_error(logits, labels), torch.tensor([0.36, 1.44]))


def test_the_strongest_behavior_is_a_class_and_weaker_ones_come_with_it():
    logits = torch.randn(6, 3).double()
    labels = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [1, 0]]).double()
    strongest = torch.tensor([0, 1, 2, 2, 0, 1])
    expected = functional.cross_entropy(logits, strongest, reduction="none")
    torch.testing.assert_close(categorical_loss(logits, labels), expected)
    shares = logits.softmax(1)
    torch.testing.assert_close(torch.sigmoid(at_least(logits)), torch.stack([shares[:, 1:].sum(1), shares[:, 2]], 1))


def test_codes_are_taken_for_unknown_in_training_only():
    embedding = ExampleEmbedding([5], [3], 4, 4, SIZE, unknown_share=0.5)
    codes = torch.full((1000, 1), 3)
    zero, none = torch.zeros(1000, dtype=torch.int64), torch.zeros(1000, 1)
    batch = ExampleBatch(none, codes, zero[:, None], codes, zero, zero, zero + 1, torch.arange(1000))
    known = embedding.attributes[0].weight[3]
    share = (embedding(batch).item == known).all(dim=1).float().mean()
    assert 0.4 < float(share) < 0.6
    assert bool((embedding.eval()(batch).item == known).all())
