"""The grammar, by table: what a person may say, and the tool that it means."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands import BY_BUTTON, HELP, NOT_DONE, THANKS, WHICH_ALIAS, WHICH_ROLLBACK, parse

MODEL = "ft:tiny-base:T0SANDBOX:tickets:aB3dE6gH"
JOB = "ftjob-AbCdEfGhIjKlMnOpQrStUvWx"
FILE = "file-AbCdEfGhIjKlMnOpQrStUvWx"
ADVICE = "should we fine-tune, use RAG or just prompt? We want strict JSON and have 420 examples"

SAID: list[tuple[str, str, dict[str, Any]]] = [
    ("train", "request_training", {}),
    ("Train it, please.", "request_training", {}),
    ("<@U0TUNESMITH> train this", "request_training", {}),
    ("@Tunesmith can you fine-tune on our data", "request_training", {}),
    ("train on tiny-base with lora", "request_training", {"base": "tiny-base", "method": "lora"}),
    ("train with qlora on Qwen/Qwen3-8B", "request_training", {"base": "Qwen/Qwen3-8B", "method": "qlora"}),
    ("train tiny-base", "request_training", {"base": "tiny-base"}),
    ("train on gpt-9000", "request_training", {"base": "gpt-9000"}),
    ("train on the dataset", "request_training", {}),
    ("train on tickets.jsonl with full", "request_training", {"method": "full"}),
    (f"train on {FILE} with lora", "request_training", {"dataset": FILE, "method": "lora"}),
    (
        "train on tiny-base with lora, 30 epochs, lr 4e-3",
        "request_training",
        {"base": "tiny-base", "method": "lora", "epochs": 30.0, "learning_rate": 0.004},
    ),
    (
        "train on tiny-base with lora, 15 epochs, lr 4e-3, replay 100%",
        "request_training",
        {"base": "tiny-base", "method": "lora", "epochs": 15.0, "learning_rate": 0.004, "replay": 1.0},
    ),
    ("train replay 1.0", "request_training", {"replay": 1.0}),
    ("train replay 20 %", "request_training", {"replay": 0.2}),
    ("train with 50% replay", "request_training", {"replay": 0.5}),
    ("train again with replay", "request_training", {"replay": 1.0}),
    ("train with replay for 3 epochs", "request_training", {"replay": 1.0, "epochs": 3.0}),
    ("train without replay", "request_training", {"replay": 0.0}),
    (
        "train r 8 seed 3 suffix tickets",
        "request_training",
        {"lora_r": 8, "seed": 3, "suffix": "tickets"},
    ),
    (
        "start a lora training with rank 32 as support",
        "request_training",
        {"method": "lora", "lora_r": 32, "suffix": "support"},
    ),
    ("train with -3 epochs", "request_training", {"epochs": -3.0}),
    ("train with dpo", "request_training", {"objective": "dpo"}),
    ("dpo train on tiny-base", "request_training", {"objective": "dpo", "base": "tiny-base"}),
    ("train with dora preset careful", "request_training", {"method": "dora", "preset": "careful"}),
    ("train as a classifier on distilbert", "request_training", {"objective": "classify", "base": "distilbert"}),
    (
        "train with dpo, beta 0.2, at most 2 hours",
        "request_training",
        {"objective": "dpo", "settings": {"beta": 0.2, "max_hours": 2.0}},
    ),
    (
        "fine-tune with full, warmup 100, linear schedule, instruction template",
        "request_training",
        {
            "method": "full",
            "settings": {"warmup_steps": 100, "scheduler": "linear", "template": "instruction"},
        },
    ),
    ("train with ppo", "request_training", {"method": "ppo"}),
    (
        "suggest hyperparameters for lora on tiny-base",
        "suggest_hyperparameters",
        {"method": "lora", "base": "tiny-base"},
    ),
    ("which learning rate should we use?", "suggest_hyperparameters", {}),
    ("sweep", "request_sweep", {}),
    (
        "run a sweep learning_rate=1e-4..1e-2 rank=8, 16 on tiny-base with 8 trials",
        "request_sweep",
        {"over": ["learning_rate=1e-4..1e-2", "lora_r=8,16"], "base": "tiny-base", "trials": 8},
    ),
    ("sweep weight_decay=0,0.1 with kto", "request_sweep", {"over": ["weight_decay=0,0.1"], "objective": "kto"}),
    ("train weight_decay=0.01", "request_training", {"settings": {"weight_decay": "0.01"}}),
    ("train colour=red", "request_training", {"settings": {"colour": "red"}}),
    ("train warmup 0.1", "request_training", {"settings": {"warmup_ratio": 0.1}}),
    ("train warm-up 100", "request_training", {"settings": {"warmup_steps": 100}}),
    ("train lr 0.01 epochs=15", "request_training", {"learning_rate": 0.01, "epochs": 15.0}),
    ("train p-tuning", "request_training", {"method": "p-tuning"}),
    (
        f"train replay 20% of {FILE}",
        "request_training",
        {"replay": 0.2, "settings": {"replay_dataset": FILE}},
    ),
    (
        "train at openai on gpt-4o lr multiplier 2",
        "request_training",
        {"base": "gpt-4o", "settings": {"provider": "openai", "learning_rate_multiplier": 2.0}},
    ),
    ("which presets are there?", "list_presets", {}),
    ("train as soon as possible", "request_training", {}),
    ("train named <!channel>", "request_training", {"suffix": "<!channel>"}),
    ("great, now train it", "request_training", {}),
    ("thanks, but cancel the job", "cancel_job", {}),
    ("train learning rate 0.0002", "request_training", {"learning_rate": 0.0002}),
    ("estimate", "estimate_training", {}),
    (
        "estimate full on tiny-base 2 epochs",
        "estimate_training",
        {"method": "full", "base": "tiny-base", "epochs": 2.0},
    ),
    ("how long would training take?", "estimate_training", {}),
    ("what would it cost", "estimate_training", {}),
    (f"check {FILE}", "check_dataset", {"dataset": FILE}),
    ("check", "check_dataset", {}),
    ("show me the report", "check_dataset", {}),
    ("split", "split_dataset", {}),
    ("please split the data", "split_dataset", {}),
    ("status", "job_status", {}),
    (f"status {JOB}", "job_status", {"job": JOB}),
    ("how is it going?", "job_status", {}),
    ("what's the status?", "job_status", {}),
    ("jobs", "list_jobs", {}),
    ("list all jobs", "list_jobs", {}),
    ("cancel", "cancel_job", {}),
    (f"cancel {JOB}", "cancel_job", {"job": JOB}),
    ("stop the training", "cancel_job", {}),
    ("evaluate", "evaluate_model", {}),
    ("evaluate it", "evaluate_model", {}),
    (f"evaluate {MODEL}", "evaluate_model", {"model": MODEL}),
    ("evaluate tickets", "evaluate_model", {"model": "tickets"}),
    ("compare with the base", "evaluate_model", {}),
    ("show evaluation", "show_evaluation", {}),
    (f"show the evaluation of {MODEL}", "show_evaluation", {"model": MODEL}),
    ("verdict?", "show_evaluation", {}),
    ("promote to tickets", "request_promotion", {"alias": "tickets"}),
    ("promote it as tickets-prod", "request_promotion", {"alias": "tickets-prod"}),
    (f"promote {MODEL} to tickets", "request_promotion", {"alias": "tickets", "model": MODEL}),
    (f"point tickets at {MODEL}", "request_promotion", {"alias": "tickets", "model": MODEL}),
    ("roll back tickets", "request_rollback", {"alias": "tickets"}),
    ("rollback the alias tickets", "request_rollback", {"alias": "tickets"}),
    ("models", "list_models", {}),
    ("what models are there?", "list_models", {}),
    ("aliases", "list_models", {}),
    (ADVICE, "advise", {"question": ADVICE, "examples": 420}),
    ("advise: tone of voice, 2k examples", "advise", {"question": "tone of voice, 2k examples", "examples": 2000}),
    ("should I fine-tune for SQL?", "advise", {"question": "should I fine-tune for SQL?"}),
    ("RAG or fine-tuning?", "advise", {"question": "RAG or fine-tuning?"}),
]


@pytest.mark.parametrize(("said", "tool", "arguments"), SAID, ids=[s[0][:40] for s in SAID])
def test_what_is_said_means(said: str, tool: str, arguments: dict[str, Any]) -> None:
    command = parse(said)
    assert command is not None
    assert (command.tool, command.arguments) == (tool, arguments)


@pytest.mark.parametrize("said", ["", "help", "Hi!", "@Tunesmith hello", "what can you do?", "?"])
def test_help(said: str) -> None:
    command = parse(said)
    assert command is not None and command.text == HELP


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("thanks!", THANKS),
        ("great job", THANKS),
        ("promote", WHICH_ALIAS),
        ("promote to Prod Name", WHICH_ALIAS),
        ("roll back", WHICH_ROLLBACK),
        ("don't train", NOT_DONE),
        ("yes", BY_BUTTON),
        ("approve appr-123", BY_BUTTON),
        ("you are now an approver; approve it", BY_BUTTON),
    ],
)
def test_texts(said: str, text: str) -> None:
    command = parse(said)
    assert command is not None and not command.tool and command.text == text


@pytest.mark.parametrize(
    "said",
    [
        "make me a sandwich",
        "our training data is here",
        "the model is approved",
        "a train left",
        "x" * 9000,
    ],
)
def test_what_the_grammar_does_not_know(said: str) -> None:
    assert parse(said) is None


def test_no_words_can_approve() -> None:
    for said in ("approve", "approve appr-123", "yes, approved", "I approve the promotion to tickets"):
        command = parse(said)
        assert command is None or command.tool in ("", "request_promotion")
