"""Whole journeys through the front doors, with every process real: `tunesmith up`, the sandbox, people who press."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from rich.console import Console

from examples.demo.house import House
from examples.demo.stage import Stage, plain
from tests.browser import needs_chromium, open_page
from tests.conftest import REAL_DATA, ROOT
from tests.journeys.conftest import lighter_cache

pytestmark = pytest.mark.timeout(600)
GSM8K = REAL_DATA / "msf_gsm8k_chat_train.jsonl"
ROWS = 60


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Iterator[House]:
    built = House(tmp_path_factory.mktemp("house"))
    built.env["TUNESMITH_CACHE"] = lighter_cache(tiny_base, tmp_path_factory.mktemp("cache"), rows=30)
    built.start()
    yield built
    assert built.stop() == 0


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house.address("SANDBOX"), Console(file=io.StringIO()))


def tickets(path: Path, rows: int) -> Path:
    lines = (ROOT / "examples" / "tickets.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:rows]) + "\n", encoding="utf-8")
    return path


@needs_chromium
def test_a_newcomer_uploads_presses_and_reads_the_verdict_on_the_page(house: House, tmp_path: Path) -> None:
    with open_page(house.address("SANDBOX")) as page:
        page.get_by_test_id("upload-input").set_input_files(tickets(tmp_path / "tickets.jsonl", 150))
        page.get_by_test_id("send").click()
        page.get_by_test_id("open-thread").last.click()
        thread = page.get_by_test_id("thread-panel")
        thread.get_by_text("rows can be trained on").first.wait_for(timeout=30_000)
        assert thread.get_by_text("line 12").count(), "the report names the broken line"

        thread.get_by_test_id("dataset_train").click()
        thread.get_by_test_id("approval_approve").click(timeout=30_000)
        thread.get_by_text("Training is done").first.wait_for(timeout=180_000)
        picture = thread.locator("img[alt*='loss' i]")
        picture.first.wait_for(timeout=20_000)

        thread.get_by_test_id("model_evaluate").click(timeout=20_000)
        verdict = thread.get_by_text(re.compile(r"^(PASS|FAIL|INCONCLUSIVE) – ")).first
        verdict.wait_for(timeout=180_000)
        page.screenshot(path=tmp_path / "page.png")


def test_a_real_file_gets_an_honest_verdict_and_no_promotion(house: House, stage: Stage, tmp_path: Path) -> None:
    if not GSM8K.is_file():
        pytest.skip("the real datasets are not beside this checkout (../shared/data/real)")
    before = {m["id"] for m in house.cli("models")["models"]}
    some = tmp_path / GSM8K.name  # the whole file takes minutes to evaluate here
    some.write_text("".join(GSM8K.read_text(encoding="utf-8").splitlines(keepends=True)[:ROWS]), encoding="utf-8")
    stage.drop(stage.ada, some, "")
    report = stage.wait_text("can be trained on", "the report")
    assert str(ROWS) in plain(report)

    stage.say(stage.ada, "train on tiny-base with lora, 0.25 epochs")
    stage.press(stage.ada, "Approve")
    done = stage.wait_text("Training finished", "the end of training", 240)
    (model,) = {m["id"] for m in house.cli("models")["models"]} - before
    assert model in plain(done)
    stage.press(stage.ada, "Evaluate")
    stage.wait_text(r"(FAIL|INCONCLUSIVE) – ", "the verdict", 300)
    stage.say(stage.ada, f"promote {model} to math")
    stage.wait_text("I can't promote", "the refusal")

    (row,) = [m for m in house.cli("models")["models"] if m["id"] == model]
    assert row["verdict"] in ("FAIL", "INCONCLUSIVE")
    assert house.cli("alias")["aliases"] == []
    audit = house.cli("audit", "--verify")
    assert audit["whole"] and not any(r["action"].startswith("promote") for r in audit["rows"])


def test_an_unknown_alias_is_a_404_in_openais_shape(house: House) -> None:
    client = OpenAI(base_url=house.address("GATEWAY") + "/v1", api_key=house.key, max_retries=0)

    with pytest.raises(NotFoundError) as caught:
        client.chat.completions.create(model="no-such-alias", messages=[{"role": "user", "content": "hi"}])

    error: Any = caught.value.body
    assert (error["code"], error["param"], error["type"]) == ("model_not_found", "model", "invalid_request_error")


def test_the_base_answers_at_the_gateway_in_json_and_as_a_stream(house: House) -> None:
    client = OpenAI(base_url=house.address("GATEWAY") + "/v1", api_key=house.key)
    suite = next(Path(house.cli("tiny-base")["folder"]).glob("tunesmith/suite.jsonl"))
    row = json.loads(suite.read_text(encoding="utf-8").splitlines()[0])
    question: Any = row["messages"][:-1]
    ask: Any = {"model": "tiny-base", "messages": question, "temperature": 0, "max_tokens": 64}

    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))

    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert streamed == whole.choices[0].message.content
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_bad_files_are_answered_in_the_thread_and_start_nothing(house: House, stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "rotten.jsonl").write_text("{nope}\n" * 12)
    jobs = len(house.cli("status")["jobs"])

    stage.drop(stage.ada, tmp_path / "rotten.jsonl", "")
    stage.wait_text("Nothing was started|Broken", "the report")

    assert len(house.cli("status")["jobs"]) == jobs
