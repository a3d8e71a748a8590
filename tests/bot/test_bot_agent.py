"""The agent with a real ChatOpenAI against a scripted server: tools, cards, limits, and what it must not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import SecretStr

from bot.agent import LIMIT_TEXT, REST_S, close_dangling_calls
from bot.door import Door
from bot.sandbox.cast import ADA
from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of
from tests.bot.acts import count, drop, labels
from tests.bot.scripted_llm import ScriptedLLM, scripted_llm
from tests.bot.test_bot_uploads import assert_harmless
from trainer.services import Services, build_services
from trainer.settings import Settings


@pytest.fixture(scope="module")
def llm() -> Iterator[ScriptedLLM]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(scope="module")
def services(settings: Settings, llm: ScriptedLLM) -> Iterator[Services]:
    update = {"llm_base_url": llm.url, "llm_api_key": SecretStr("sk-test"), "agent_model_calls": 4}
    with build_services(settings.model_copy(update=update), migrate=True) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(llm: ScriptedLLM, bot: Door) -> None:
    """No script left over, and the model is not being left alone."""
    llm.script.clear()
    llm.asked.clear()
    bot.agent.stand_in.down_until = 0.0


def test_a_tool_call_becomes_a_card(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    llm.calls("request_training", base="tiny-base", method="lora")
    llm.says("I asked for a LoRA run. **Somebody has to press Approve.**")
    ada.say(channel, "could you tune the small one on this?", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Train a model")
    assert labels(card) == ["Approve", "Reject"]
    answer = ada.wait_for_text(channel, ts, "I asked for a LoRA run")
    assert "*Somebody has to press Approve.*" in text_of(answer)


def test_the_model_never_sees_who_asks_nor_rows(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    llm.calls("check_dataset", user="U0GRACE001", context={"caller": "root"})
    llm.says("Done.")
    ada.say(channel, "look at it", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Done")
    wire = json.dumps(llm.asked)
    assert ADA not in wire and "question 3" not in wire
    names = [p for tool in llm.asked[0]["tools"] for p in tool["function"]["parameters"]["properties"]]
    assert not {"runtime", "context", "user", "caller"} & set(names)
    assert "file-" in llm.asked[0]["messages"][0]["content"]


def test_it_remembers_its_thread_and_no_other(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    llm.says("Noted.")
    ts = ada.say(channel, "@Tunesmith our project is called Bluebird")
    ada.wait_for_text(channel, ts, "Noted")
    llm.says("Bluebird.")
    ada.say(channel, "what is it called?", thread_ts=ts)
    ada.wait_for_text(channel, ts, "^Bluebird")
    assert "Bluebird" in json.dumps(llm.asked[-1]["messages"])
    llm.says("Hello.")
    other = ada.say(channel, "@Tunesmith greetings")
    ada.wait_for_text(channel, other, "Hello")
    assert "Bluebird" not in json.dumps(llm.asked[-1]["messages"])


def test_what_a_model_writes_calls_nobody(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    llm.says("Hi <!channel> <!here> <@U0GRACE001> <!subteam^S1> [click](https://evil.example) <https://evil.example|x>")
    ts = ada.say(channel, "@Tunesmith say hi to all")
    answer = ada.wait_for_text(channel, ts, "Hi ")
    assert_harmless(answer)
    assert "<" not in answer["text"]


def test_a_tools_refusal_is_told_in_its_own_words(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    llm.calls("request_training")
    llm.says("There is no dataset here yet.")
    ts = ada.say(channel, "@Tunesmith tune something")
    ada.wait_for_text(channel, ts, "no dataset here yet")
    result = next(m for m in llm.asked[1]["messages"] if m["role"] == "tool")
    assert "don't see a dataset" in result["content"] and "Traceback" not in result["content"]


def test_arguments_that_do_not_fit_are_told_without_a_traceback(
    bot: Door, llm: ScriptedLLM, ada: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    llm.calls("request_training", epochs="many", method="magic")
    llm.says("That did not fit.")
    ada.say(channel, "go", thread_ts=ts)
    ada.wait_for_text(channel, ts, "did not fit")
    result = next(m for m in llm.asked[-1]["messages"] if m["role"] == "tool")
    assert "epochs" in result["content"]
    assert "Traceback" not in result["content"] and "pydantic" not in result["content"]


def test_a_number_past_64_bits_is_refused_like_any_other(
    bot: Door, llm: ScriptedLLM, ada: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    llm.calls("request_training", seed=10**20)
    llm.says("That seed is too large.")
    ada.say(channel, "go", thread_ts=ts)
    ada.wait_for_text(channel, ts, "seed is too large")
    assert "seed 100000000000000000000 does not fit" in json.dumps(llm.asked[-1]["messages"])


def test_a_model_that_only_calls_tools_is_stopped(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    for _ in range(10):
        llm.calls("list_jobs")
    ts = ada.say(channel, "@Tunesmith loop")
    answer = ada.wait_for_text(channel, ts, "I stopped here")
    assert LIMIT_TEXT in text_of(answer)
    assert len(llm.asked) == 4


def test_the_grammar_answers_where_the_model_says_nothing(
    bot: Door, llm: ScriptedLLM, ada: Person, channel: str
) -> None:
    llm.says("")
    llm.says("")
    ts = ada.say(channel, "@Tunesmith jobs")
    ada.wait_for_text(channel, ts, "no jobs yet|ftjob")
    llm.says_broken_call("list_jobs")
    other = ada.say(channel, "@Tunesmith what now")
    ada.wait_for_text(channel, other, "did not understand")
    llm.says("Back again.")
    ada.say(channel, "and now?", thread_ts=other)
    ada.wait_for_text(channel, other, "Back again")


def test_nothing_to_add_below_a_card_is_no_silence(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    llm.calls("request_training")
    llm.says("")
    ada.say(channel, "go", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Train a model")
    assert count(ada, channel, ts, "language model does not answer") == 0


def test_the_grammar_stands_in_when_the_model_fails(bot: Door, llm: ScriptedLLM, ada: Person, channel: str) -> None:
    for _ in range(2):
        llm.fails(500)
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "language model does not answer")
    ada.wait_for_text(channel, ts, "Bases: tiny-base")
    asked = len(llm.asked)
    ada.say(channel, "jobs", thread_ts=ts)
    ada.wait_for_text(channel, ts, "jobs|ftjob")
    assert len(llm.asked) == asked, f"it is left alone for {REST_S} s"
    assert count(ada, channel, ts, "language model does not answer") == 1
    assert count(ada, channel, ts, "secret traceback") == 0


def test_a_call_that_a_crash_left_open_is_closed() -> None:
    call = {"name": "list_jobs", "args": {}, "id": "call_1", "type": "tool_call"}
    history = [HumanMessage("jobs"), AIMessage("", tool_calls=[call]), HumanMessage("hello?")]
    mended = close_dangling_calls.before_agent({"messages": history}, None)["messages"][1:]
    assert [m.type for m in mended] == ["human", "ai", "tool", "human"]
    assert mended[2].tool_call_id == "call_1"


def test_there_is_no_tool_to_decide() -> None:
    from tools.toolbox import TOOLBOX

    assert not [t.name for t in TOOLBOX if any(w in t.name for w in ("approve", "decide", "reject"))]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("request_training", {"settings": ["lora_r", 8]}),
        ("request_training", {"settings": {"lora_r": {"a": [1, {"b": 2}]}, "seed": 2**400}}),
        ("request_training", {"settings": {"suffix": "x" * 1_000_000}}),
        ("request_training", {"settings": {"base": "../../etc", "<!channel>": 1}}),
        ("request_training", {"preset": "<!channel> & <@U0GRACE001>"}),
        ("request_training", {"lora_r": 2**400, "epochs": "many"}),
        ("preflight_training", {"settings": {"target_modules": ["x" * 1_000_000]}}),
        ("request_sweep", {"over": [{"a": 1}, 7, None]}),
        ("request_sweep", {"over": ["lora_r=" + "9" * 100_000], "trials": 10**9}),
        ("request_sweep", {"over": "lora_r=1,2", "trials": -(2**400)}),
        ("request_sweep", {"over": "x" * 1_000_000}),
    ],
)
def test_nonsense_in_arguments_asks_for_nothing_and_harms_nobody(
    bot: Door, services: Services, llm: ScriptedLLM, ada: Person, channel: str, tool: str, arguments: dict[str, Any]
) -> None:
    ts, _ = drop(ada, channel)
    before = len(services.approvals.pending()), len(services.jobs.list())
    llm.calls(tool, **arguments)
    llm.says("That does not fit, sorry.")
    ada.say(channel, "do your best", thread_ts=ts)
    ada.wait_for_text(channel, ts, "That does not fit")
    assert (len(services.approvals.pending()), len(services.jobs.list())) == before
    told = str(llm.asked[-1]["messages"][-1]["content"])
    assert told and "on my side" not in told and len(told) < 3000
    for message in ada.replies(channel, ts):
        assert_harmless(message)
