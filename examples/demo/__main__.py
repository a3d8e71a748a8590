"""The story: two people, one dataset, two adapters, one promotion. Only the people are scripted."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from openai import OpenAI
from rich.console import Console

from examples.demo.house import DemoFailed, House
from examples.demo.stage import Stage, plain
from examples.make_tickets import good_rows

ROOT = Path(__file__).parent.parent.parent
TICKETS = ROOT / "examples" / "tickets.jsonl"
HOME = ROOT / ".demo"
ALIAS = "tickets"
TUNED_AT_LEAST, BASE_AT_MOST = 0.80, 0.20
PLAIN_RUN = "train on tiny-base with lora, 12 epochs, lr 4e-3, batch 4, max length 256"
REPLAY_RUN = f"{PLAIN_RUN}, replay 100%"


def main() -> int:
    console = Console(highlight=False, soft_wrap=True)
    for name in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends it as Ctrl-C does
        signal.signal(name, signal.default_int_handler)
    began = time.monotonic()
    HOME.mkdir(exist_ok=True)
    house = House(Path(tempfile.mkdtemp(prefix="run-", dir=HOME)))
    try:
        console.print("[bold]Tunesmith's main job, on this machine alone.[/bold]")
        house.build_tiny_base()
        house.start()
        console.print(
            f"Everything runs ({time.monotonic() - began:.0f} s); the local Slack: {house.address('SANDBOX')}"
        )
        play(house, Stage(house.address("SANDBOX"), console))
        console.print(f"\n[bold]The story is told, in {time.monotonic() - began:.0f} s.[/bold]")
        if sys.stdin.isatty() and sys.stdout.isatty():
            stay(house, console)
        return house.stop() and 1
    except (DemoFailed, TimeoutError) as error:
        console.print(f"\nThe demo failed: {error}", style="bold", markup=False)
        console.print(f"Logs: {house.home / 'logs'}", markup=False)
        house.stop()
        return 1
    except KeyboardInterrupt:
        house.stop()
        return 130


def play(house: House, stage: Stage) -> None:
    ask_for_advice(stage)
    drop_the_file(house, stage)
    first = train(house, stage, PLAIN_RUN, "First run: the tickets alone")
    report = evaluate(house, stage, first)
    expect_refusal(house, stage, first, report)
    second = train(house, stage, REPLAY_RUN, "Second run: as many rows of old tasks mixed in")
    report = evaluate(house, stage, second)
    expect(report["verdict"] == "PASS", f"the second gate passes; it said {report['verdict']}")
    promote(house, stage, second)
    call_the_alias(house, stage, second)
    roll_back(house, stage)


def expect(true: bool, what: str) -> None:
    if not true:
        raise DemoFailed(f"The story says that {what}.")


def ask_for_advice(stage: Stage) -> None:
    stage.title("Advice")
    wish = "We want strict JSON from support tickets and have 420 examples."
    stage.start(stage.ada, f"@Tunesmith should we fine-tune, use RAG or just prompt? {wish}")
    stage.wait_text("fine-tun", "the advice")
    stage.show()


def drop_the_file(house: House, stage: Stage) -> None:
    stage.title("A dataset, with some broken rows")
    stage.drop(stage.ada, TICKETS, "@Tunesmith our tickets")
    stage.wait_text(r"usable|accepted", "the report")
    said = house.cli("data", "check", str(TICKETS))
    errors = [f for f in said["findings"] if f["severity"] == "error"]
    expect(bool(errors) and said["accepted"] < said["rows"], "the file has broken rows")
    stage.fact(f"{said['accepted']} of {said['rows']} rows usable; {len(errors)} errors, each with its line")


def train(house: House, stage: Stage, words: str, title: str) -> dict[str, Any]:
    stage.title(title)
    before = {m["id"] for m in house.cli("models")["models"]}
    stage.say(stage.ada, f"@Tunesmith {words}")
    stage.press(stage.ada, "Approve.*")
    deadline = time.monotonic() + 420
    while time.monotonic() < deadline:
        stage.show()
        jobs = house.cli("status")["jobs"]
        newest = next(job for job in jobs if job["object"] == "fine_tuning.job")
        expect(newest["status"] not in ("failed", "cancelled"), f"the run succeeds: {newest['error']}")
        if newest["status"] == "succeeded" and newest["fine_tuned_model"] not in before:
            stage.wait_button("Evaluate.*", 30)
            return newest
        time.sleep(1.0)
    raise DemoFailed("The run took too long.")


def evaluate(house: House, stage: Stage, job: dict[str, Any]) -> dict[str, Any]:
    """Press Evaluate, wait for the verdict, and hold the figures against the story's own bounds."""
    model = job["fine_tuned_model"]
    stage.press(stage.ada, "Evaluate.*")
    deadline = time.monotonic() + 300
    row: dict[str, Any] = {}
    while not row.get("verdict"):
        stage.show()
        row = next(m for m in house.cli("models")["models"] if m["id"] == model)
        expect(time.monotonic() < deadline, "the evaluation ends in time")
        time.sleep(1.0)
    stage.wait_text(row["verdict"], "the verdict in the thread", 30)
    report = house.cli("evaluation", row["evaluation"])
    score = report["report"]["metrics"]["exact_match"]
    base, tuned = score["base"]["estimate"], score["tuned"]["estimate"]
    stage.fact(f"exact match on {score['n']} unseen tickets: base {base:.0%}, tuned {tuned:.0%}")
    expect(tuned >= TUNED_AT_LEAST and base <= BASE_AT_MOST, "tuned is ≥ 80 % where the base is ≤ 20 %")
    return report


def expect_refusal(house: House, stage: Stage, job: dict[str, Any], report: dict[str, Any]) -> None:
    regression = report["report"]["regression"]
    stage.fact(f"of {regression['base_right']} old skills' rows, {regression['kept']} are kept")
    expect(report["verdict"] == "FAIL" and report["report"]["code"] == "forgot", "the first gate refuses: forgot")
    stage.say(stage.ada, f"@Tunesmith promote {job['fine_tuned_model']} to {ALIAS}")
    stage.wait_text("gate said FAIL", "the refusal to promote")
    expect(not house.cli("alias")["aliases"], "nothing was promoted")


def promote(house: House, stage: Stage, job: dict[str, Any]) -> None:
    stage.title("Promotion: a second person decides")
    stage.say(stage.ada, f"@Tunesmith promote {job['fine_tuned_model']} to {ALIAS}")
    stage.press(stage.ada, "Approve.*")
    refused = stage.ada.wait_for_ephemeral("C0FINETUNE", "yourself", 20)
    stage.whisper("Ada", plain(refused))
    expect(not house.cli("alias")["aliases"], "the requester's own click promotes nothing")
    stage.press(stage.grace, "Approve.*")
    stage.wait_text("approved|promoted", "the decision on the card")
    found = house.cli("alias", ALIAS)
    expect(found.get("model") == job["fine_tuned_model"], "Grace's click moves the alias")
    expect(house.cli("audit", "--verify")["whole"], "the audit chain is whole")


def call_the_alias(house: House, stage: Stage, job: dict[str, Any]) -> None:
    stage.title(f"A program calls “{ALIAS}” with the openai client")
    rows = fresh_tickets(10)
    answers = [ask(house, row["messages"][:-1]) for row in rows]
    stage.fact(f"asked: {rows[0]['messages'][-2]['content']}")
    stage.fact(f"{answers[0][1]} answered {answers[0][0]}")
    expect({model for _, model in answers} == {job["fine_tuned_model"]}, "the alias leads to the promoted model")
    right = sum(said == row["messages"][-1]["content"] for row, (said, _) in zip(rows, answers, strict=True))
    stage.fact(f"{right} of {len(rows)} tickets that nobody has seen before are answered rightly")
    expect(right >= TUNED_AT_LEAST * len(rows), "programs get the quality that the gate saw")


def roll_back(house: House, stage: Stage) -> None:
    stage.title("Rollback")
    stage.say(stage.ada, f"@Tunesmith roll back {ALIAS}")
    stage.press(stage.grace, "Approve.*")
    deadline = time.monotonic() + 30
    while house.cli("alias", ALIAS)["model"] != "tiny-base":
        stage.show()
        expect(time.monotonic() < deadline, "the alias goes back to the base")
        time.sleep(0.5)
    time.sleep(1.0)
    answer, model = ask(house, fresh_tickets(1)[0]["messages"][:-1])
    stage.fact(f"{model} answers again: {answer[:60]!r}")
    expect(model == "tiny-base", "the base answers behind the alias again")
    stage.show()


def fresh_tickets(count: int) -> list[dict[str, Any]]:
    """Tickets that are not in the dataset."""
    known = TICKETS.read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = good_rows(4 * count, seed=404)
    return [row for row in rows if json.dumps(row["messages"][1]["content"]) not in known][:count]


def ask(house: House, messages: Any) -> tuple[str, str]:
    """(what the alias answered, which model it was)."""
    client = OpenAI(base_url=house.address("GATEWAY") + "/v1", api_key=house.key)
    said = client.chat.completions.create(model=ALIAS, messages=messages, max_tokens=64, temperature=0)
    return said.choices[0].message.content or "", said.model


def stay(house: House, console: Console) -> None:
    console.print(f"\nIt stays up. Go on in the browser: {house.address('SANDBOX')}   (Ctrl-C ends it)")
    try:
        while house.process is not None and house.process.poll() is None:
            time.sleep(1.0)
    except KeyboardInterrupt:
        console.print("Stopping …")


if __name__ == "__main__":
    sys.exit(main())
