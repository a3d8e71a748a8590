"""A judge's report: which rows it was asked about, what it said, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from trainer.errors import BadInput, Conflict
from trainer.evals.case import CANDIDATE, Contestant
from trainer.evals.gate.spec import JudgeRule
from trainer.evals.judges.agreement import Agreement, Key, Label, agreement
from trainer.evals.judges.bench import bearing
from trainer.evals.judges.endpoint import Endpoint, Voice
from trainer.evals.judges.family import kinship
from trainer.evals.judges.hearing import Heard, Hearing
from trainer.evals.judges.prompts import Prompt, is_cut
from trainer.evals.judges.rubric import load_rubric
from trainer.evals.judges.ruling import Pair, Ruling, labelled, pairs_of
from trainer.evals.outcome import JudgeReport, Row
from trainer.evals.stats import Interval, bootstrap_mean
from trainer.settings import Settings
from trainer.store.database import Database
from trainer.store.judgements import Judgements

OVERALL, IMPROVEMENT = "overall", "improvement"  # the mean of all criteria; candidate minus the other, paired
PEOPLE_DIVIDED = 0.4  # α among people below which no judge can agree with them


def judge(
    rule: JudgeRule,
    *,
    rows: Sequence[Row],
    against: str,
    contestants: Sequence[Contestant],
    settings: Settings,
    db: Database,
    labels: Sequence[Label] = (),
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], object] | None = None,
) -> JudgeReport:
    """Have a language model compare the candidate's answers with those of `against`.

    `rule.rows` rows are judged, chosen by hash; those that people labelled are judged as well, for calibration alone.
    What this judge said before is never asked again, and at most `rule.max_usd` are spent. A judge that stops
    answering, or a stop asked for, leaves a report on what was judged, with a warning. Raises Conflict when words,
    rubric or host are no longer those of the rule, NotFound for an unknown rubric, and BadInput when there is nothing
    to compare, when no judge is configured or its server refuses (`judge_refused_…`), or when nothing it said could be
    read (`judge_prose`)."""
    prompt = _prompt(rule, settings)
    pairs = pairs_of(rows, against)
    if not pairs:
        raise BadInput(f"No row was answered by both the candidate and {against}.", code="nothing_to_judge")
    endpoint = _endpoint(rule, settings)
    hearing = Hearing(prompt, endpoint, Judgements(db), Voice(settings, endpoint), rule.max_usd)
    first = pairs[: rule.rows]
    heard = hearing.hear([*first, *labelled(pairs[rule.rows :], labels)], on_progress, should_stop)
    _refuse_silence(rule, hearing, heard)
    said = [*kinship(rule.model, contestants), *_told(rule, hearing, heard, {pair.key for pair in first})]
    return _report(rule, prompt, against, heard, {pair.key for pair in first}, labels, hearing, said)


def recall(
    rule: JudgeRule, *, rows: Sequence[Row], against: str, settings: Settings, db: Database
) -> tuple[Ruling, ...]:
    """What this judge said of these rows before, with its reasons; nothing is asked."""
    endpoint = Endpoint.of(settings, rule.model)
    hearing = Hearing(_prompt(rule, settings), endpoint, Judgements(db), None, rule.max_usd)
    heard = hearing.hear(pairs_of(rows, against))
    return tuple(one.ruling for one in heard if one.ruling and one.ruling.asked)


def unheard(rule: JudgeRule, against: str, why: str) -> JudgeReport:
    """The report on a judge that could not judge, for whoever goes on without it."""
    return JudgeReport(rule.model, rule.kind, rule.rubric, rule.prompt_sha256, 0, against, benched=why)


def _prompt(rule: JudgeRule, settings: Settings) -> Prompt:
    prompt = Prompt(rule.kind, load_rubric(rule.rubric, settings))
    if rule.prompt_sha256 not in ("", prompt.sha256):
        raise Conflict(
            f"The judge's words are not those of the gate: rubric {rule.rubric} is {prompt.sha256[:12]} now, and was "
            f"{rule.prompt_sha256[:12]} when the gate was registered.",
            fix="Put the rubric back as it was, or register a new gate with a new training run.",
            code="judge_prompt_changed",
        )
    return prompt


def _endpoint(rule: JudgeRule, settings: Settings) -> Endpoint:
    """Rows go only where the gate said, before training, that they would go."""
    endpoint = Endpoint.of(settings, rule.model)
    if not endpoint.ready:
        raise BadInput(
            "No language model is configured that could judge.",
            fix="Set TUNESMITH_JUDGE_BASE_URL or OPENAI_API_KEY, or leave the judge out of the gate.",
            code="no_judge",
        )
    if rule.endpoint not in ("", endpoint.host):
        raise Conflict(
            f"The judge's server is {endpoint.host} now, and was {rule.endpoint} when the gate was registered: no row "
            "was sent.",
            fix="Set TUNESMITH_JUDGE_BASE_URL back to it, or register a new gate with a new training run.",
            code="endpoint_changed",
        )
    return endpoint


def _refuse_silence(rule: JudgeRule, hearing: Hearing, heard: Sequence[Heard]) -> None:
    """Nothing was judged, and asking again would not help."""
    if any(one.ruling and one.ruling.asked for one in heard):
        return
    refusal = next((one.away for one in heard if isinstance(one.away, BadInput)), None)
    if refusal:
        raise refusal
    unreadable = sum(one.unreadable for one in heard)
    if unreadable:
        raise BadInput(
            f"The judge answered prose: none of {unreadable} rows got an answer of the form that {rule.model} was "
            "asked for. None was scored.",
            fix="Name a model that can answer in JSON, or leave the judge out of the gate.",
            code="judge_prose",
        )


def _told(rule: JudgeRule, hearing: Hearing, heard: Sequence[Heard], first: Set[Key]) -> list[str]:
    """What a reader must know of how the judging went."""
    wanted, read = len(first), sum(one.ruling is not None for one in heard if one.pair.key in first)
    so_far = f"after {read} of {wanted} rows"
    told: list[str] = []
    if hearing.ended == "cap":
        told.append(f"The judge stopped {so_far} at the cap of ${rule.max_usd:,.2f}.")
    elif hearing.ended in ("away", "refused"):
        told.append(f"The judge fell silent {so_far}: {hearing.error.what if hearing.error else 'no answer.'}")
    elif hearing.ended == "stopped":
        told.append(f"The judging was stopped {so_far}.")
    elif hearing.ended == "prose":
        told.append(f"The judge was asked nothing more {so_far}, since nothing it said could be read.")
    elif missed := sum(one.away is not None for one in heard):
        told.append(f"No answer, and so no judgement, came for {missed} of {len(heard)} rows.")
    if not hearing.endpoint.priced:
        told.append(
            f"What {rule.model} costs is not known, so the cap of ${rule.max_usd:,.2f} cannot bind; {wanted} rows were "
            "the limit. Set TUNESMITH_JUDGE_INPUT_USD and TUNESMITH_JUDGE_OUTPUT_USD (dollars a million tokens)."
        )
    elif hearing.uncounted:
        told.append("The judge's server did not count all tokens: the cost is the most that it can have been.")
    return told + _notes_on([one.ruling for one in heard if one.ruling])


def _notes_on(rulings: Sequence[Ruling]) -> list[str]:
    told: list[str] = []
    if same := sum(not ruling.asked for ruling in rulings):
        told.append(
            f"Word for word the same, and so ties about which nobody was asked: {same} of {len(rulings)} pairs."
        )
    if cut := sum(_cut(ruling.pair) for ruling in rulings if ruling.asked):
        told.append(f"Too long, and shortened for the judge: {cut} of {len(rulings)} rows.")
    return told


def _cut(pair: Pair) -> bool:
    return is_cut(pair.messages, pair.candidate, pair.other, pair.expected)


def _report(
    rule: JudgeRule,
    prompt: Prompt,
    against: str,
    heard: Sequence[Heard],
    counted: Set[Key],
    labels: Sequence[Label],
    hearing: Hearing,
    said: Sequence[str],
) -> JudgeReport:
    rulings = [one.ruling for one in heard if one.ruling]
    own = [ruling for ruling in rulings if ruling.pair.key in counted]
    unreadable = sum(one.unreadable for one in heard)
    bears = bearing(rulings, unreadable)
    agreed = agreement({ruling.pair.key: ruling.choice for ruling in rulings if ruling.asked}, labels)
    benched = bears.benched or _mute(hearing, rulings)
    choices = [ruling.choice for ruling in own]
    return JudgeReport(
        model=rule.model,
        kind=rule.kind,
        rubric=rule.rubric,
        prompt_sha256=prompt.sha256,
        rows=len(own),
        against=against,
        wins=choices.count("candidate"),
        losses=choices.count("other"),
        ties=choices.count("tie"),
        scores=_scores([ruling for ruling in own if ruling.asked], prompt, against),
        consistency=bears.consistency,
        first_share=bears.first_share,
        length_bias=bears.length_bias,
        kappa=agreed.kappa.estimate if agreed.kappa else None,
        alpha=agreed.alpha,
        labels=agreed.n,
        advisory=bool(benched) or not trusted(rule, agreed),
        benched=benched,
        unparsable=unreadable,
        cost_usd=hearing.cost_usd if hearing.endpoint.priced else None,
        warnings=(*said, *bears.warnings, *_on_people(rule, agreed)),
    )


def trusted(rule: JudgeRule, agreed: Agreement) -> bool:
    """Enough rows that people labelled, too, and enough agreement on them."""
    return agreed.n >= rule.min_labels and agreed.kappa is not None and agreed.kappa.estimate >= rule.min_kappa


def _mute(hearing: Hearing, rulings: Sequence[Ruling]) -> str:
    """Why nobody can listen to a judge that judged nothing."""
    if any(ruling.asked for ruling in rulings):
        return ""
    why = {"cap": "the cap on its cost allowed no row", "stopped": "the judging was stopped"}
    silent = hearing.error.what if hearing.error else ""
    return f"It judged nothing: {why.get(hearing.ended) or silent or 'all answers were the same'}."


def _on_people(rule: JudgeRule, agreed: Agreement) -> list[str]:
    """What labels say beyond κ itself."""
    told: list[str] = []
    if agreed.kappa and agreed.kappa.low < rule.min_kappa <= agreed.kappa.estimate and trusted(rule, agreed):
        told.append(
            f"Its agreement with people is κ = {agreed.kappa.estimate:.2f} ({agreed.kappa.low:.2f} to "
            f"{agreed.kappa.high:.2f}, n = {agreed.n}): the true one may lie below {rule.min_kappa:.2f}."
        )
    if agreed.n and agreed.kappa is None:
        told.append(f"On {agreed.n} rows judge and people all said the same one thing: that shows no agreement yet.")
    if agreed.people is not None and agreed.people < PEOPLE_DIVIDED:
        told.append(
            f"People agree little with each other (α = {agreed.people:.2f}): no judge can agree with them more."
        )
    return told


def _scores(rulings: Sequence[Ruling], prompt: Prompt, against: str) -> dict[str, dict[str, Interval]]:
    """Criterion → who → mean with its interval, 0 to 10, and under `improvement` the paired difference, −10 to 10."""
    if prompt.kind != "rubric" or not rulings:
        return {}
    return {name: _scored(rulings, name, against) for name in (*prompt.names, OVERALL)}


def _scored(rulings: Sequence[Ruling], name: str, against: str) -> dict[str, Interval]:
    mine, theirs = ([_score(ruling.scores[who], name) for ruling in rulings] for who in ("candidate", "other"))
    gains = [a - b for a, b in zip(mine, theirs, strict=True)]
    return {
        against: bootstrap_mean(theirs, bounds=(0, 10)),
        CANDIDATE: bootstrap_mean(mine, bounds=(0, 10)),
        IMPROVEMENT: bootstrap_mean(gains, bounds=(-10, 10)),
    }


def _score(scores: dict[str, int], name: str) -> float:
    return sum(scores.values()) / len(scores) if name == OVERALL else float(scores[name])
