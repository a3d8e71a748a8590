from __future__ import annotations

from typing import Any

from bot import milestones
from bot.blocks import job, milestone
from bot.sandbox.reading import text_of
from trainer.store.tables import Event, Job
from trainer.types import JobStatus, TrainProgress

NOTES = {
    "computes_in": "Computes in fp32 on the CPU (2 cores).",
    "overfitting": "Overfitting: since step 8 the validation loss rises <!channel>.",
    "time_limit": "Stopped at the time limit of 2 h, at step 9.",
}


def a_job(status: JobStatus, **columns: Any) -> Job:
    spec = {"method": "lora", "base": "tiny-base"}
    return Job(
        id="ftjob-1", kind="train", status=status.value, spec=spec, owner="U0ADA", fence=1, trained_tokens=9, **columns
    )


def said(card: Any) -> str:
    return text_of({"blocks": card.blocks, "text": card.text})


def test_the_living_card_tells_rate_memory_and_what_is_left() -> None:
    told = TrainProgress("training", 5, 10, loss=0.5, lr=0.0002, peak_memory_bytes=3 * 1024**3, eta_s=65.0)
    text = said(job.living(a_job(JobStatus.RUNNING, cancel_requested=False), told.to_dict()))
    assert "3.0 GiB" in text and "0.0002" in text and "1 min 5 s" in text


def test_the_final_card_and_message_say_what_happened_on_the_way() -> None:
    row = a_job(JobStatus.SUCCEEDED, result={"model_id": "ft:x", "steps": 9, "notes": NOTES}, cancel_requested=False)
    card, message = said(job.living(row, {})), said(milestone.trained(row))
    assert NOTES["computes_in"] in card and NOTES["time_limit"] in card
    assert NOTES["time_limit"] in message and NOTES["computes_in"] not in message
    assert "<!channel" not in card + message


def test_only_a_terminal_evaluates_a_hosted_model_so_its_card_has_no_button() -> None:
    row = a_job(JobStatus.SUCCEEDED, result={"model_id": "ft:gpt:x"}, cancel_requested=False)
    assert "model_evaluate" in str(milestone.trained(row).blocks)
    row.spec = {"provider": "openai", "base": "gpt", "method": "lora"}
    blocks = str(milestone.trained(row).blocks)
    assert "model_evaluate" not in blocks and "tunesmith eval ft:gpt:x" in blocks


def test_overfitting_gets_one_reply_and_precision_none() -> None:
    row, keys = a_job(JobStatus.RUNNING), []
    for seq, code in enumerate(["computes_in", "overfitting", "overfitting"], 1):
        event = Event(job_id=row.id, seq=seq, fence=1, type="note", data={"code": code, "text": NOTES[code]})
        keys += [key for key, _, _ in milestones.of(None, row, event)]  # type: ignore[arg-type]
    assert keys == ["overfitting", "overfitting"]  # the same key: the outbox sends it once
