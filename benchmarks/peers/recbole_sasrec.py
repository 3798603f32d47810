"""SASRec in RecBole: prefix augmentation, full softmax, its own defaults otherwise. Run by RecBole's environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.reporting import measured, read_sequences, reporter, runner_parser, tell_epoch, tell_ready

NAME = "log"


def main() -> None:
    """Trains and evaluates epoch by epoch."""
    options = runner_parser(__doc__).parse_args()
    sys.argv = sys.argv[:1]  # RecBole would read it
    tell = reporter()
    write_interactions(options.data, options.work / NAME)

    import torch
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.model.sequential_recommender import SASRec
    from recbole.trainer import Trainer
    from recbole.utils import init_seed

    torch.set_num_threads(options.threads)
    config = Config(model="SASRec", dataset=NAME, config_dict=settings(options.work, options.epochs, options.seed))
    init_seed(config["seed"], config["reproducibility"])
    train, validation, _ = data_preparation(config, create_dataset(config))
    model = SASRec(config, train.dataset).to(config["device"])
    trainer = Trainer(config, model)
    tell_ready(tell, len(train.dataset), ("recbole", "torch", "numpy", "scipy", "pandas"))
    for epoch in range(options.epochs):
        with measured() as training:
            trainer._train_epoch(train, epoch)
        with measured() as evaluation:
            ndcg = float(trainer.evaluate(validation, load_best_model=False)["ndcg@10"])
        tell_epoch(tell, epoch + 1, training, evaluation, ndcg)
        if options.stop_at is not None and ndcg >= options.stop_at:
            break


def write_interactions(data: Path, folder: Path) -> None:
    """Writes the log as RecBole's atomic file; the place in a history stands for its time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{NAME}.inter").open("w", encoding="utf-8") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user, items in read_sequences(data):
            file.writelines(f"{user}\t{item}\t{place}\n" for place, item in enumerate(items))


def settings(work: Path, epochs: int, seed: int) -> dict[str, Any]:
    """What differs from RecBole's defaults, and the sizes of the network, which are its defaults too."""
    return {
        "data_path": str(work),
        "checkpoint_dir": str(work / "saved"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "use_gpu": False,
        "show_progress": False,
        "seed": seed,
        "epochs": epochs,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_size": 64,
        "inner_size": 256,
        "hidden_dropout_prob": 0.5,
        "attn_dropout_prob": 0.5,
        "MAX_ITEM_LIST_LENGTH": 50,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "train_batch_size": 2048,
        "eval_args": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
        "metrics": ["NDCG"],
        "topk": [10],
        "valid_metric": "NDCG@10",
        "metric_decimal_place": 6,
    }


if __name__ == "__main__":
    main()
