"""The report as a page: hostile words stay words, nothing is fetched, and everybody can read it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHROMIUM, FLAGS, needs_chromium
from tests.trainer.evals.reports import FOUR, judge, report, row
from trainer.evals.case import BASE
from trainer.evals.outcome import Finding
from trainer.evals.report import html
from trainer.types import ChatMessage, GateVerdict

HOSTILE = (
    '</pre></details></textarea></title></style><script>document.title="owned";alert(1)</script>'
    '<img src="http://127.0.0.1:9/x" onerror=alert(2)><iframe src=javascript:alert(3)></iframe>'
    "{{ 7*7 }}{% raw %}<!-- \u202egnp.exe\u2066 \x00\x1b[31m \ud800 &lt;b&gt; '\" שלום"
)
PAGE_JS = """() => {
  const luminance = rgb => {
    const [r, g, b] = rgb.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const paper = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const texts = document.querySelectorAll("p,li,th,td,caption,summary,pre,del,ins,span,figcaption,a,code");
  const worst = [...texts].map(node => {
    const ink = numbers(getComputedStyle(node).color).slice(0, 3);
    const [a, b] = [ink, paper(node)].map(luminance).sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), node.tagName];
  }).sort((x, y) => x[0] - y[0])[0];
  return {
    worst, lang: document.documentElement.lang, title: document.title,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: [...document.querySelectorAll("h1,h2,h3,h4")].map(node => Number(node.tagName[1])),
    headless: [...document.querySelectorAll("table")].filter(t => !t.querySelector("thead th[scope=col]")).length,
    nameless: [...document.querySelectorAll("img")].filter(i => !i.alt || !i.naturalWidth).length,
    alien: document.querySelectorAll("script,iframe,object,embed,form,base").length,
    deadLinks: [...document.querySelectorAll("a")].filter(a => !document.getElementById(a.hash.slice(1))).length,
  };
}"""


def hostile() -> Any:
    told = report("FAIL", "forgot", reasons=(HOSTILE,), candidate=HOSTILE, notes=(HOSTILE,))
    bad = row(1, HOSTILE, right=False, base=HOSTILE)
    bad = replace(
        bad, expected=HOSTILE[::-1], id=HOSTILE, messages=(ChatMessage("user", HOSTILE),), slices={"k": HOSTILE}
    )
    return replace(
        told,
        rows=(bad, *told.rows),
        contestants=(replace(FOUR[0], model=HOSTILE), *FOUR[1:]),
        findings=(Finding(GateVerdict.FAIL, "x", HOSTILE, suite=HOSTILE),),
        judges=(judge(model=HOSTILE, benched=HOSTILE, warnings=(HOSTILE,)),),
        gate=told.gate | {"alias": HOSTILE},
        registered={"digest": HOSTILE, "by": HOSTILE, "approval": HOSTILE, "at": 1.0},
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def bad_page() -> str:
    return html(
        hostile(), evaluation=HOSTILE, people=[HOSTILE], override=HOSTILE, about={"dataset": {HOSTILE: HOSTILE}}
    )


def test_no_word_of_a_model_becomes_part_of_the_page(bad_page: str) -> None:
    bad_page.encode()  # no lone half of a sign is left
    tags, text = Tags(), bad_page
    tags.feed(text)
    assert not {"script", "iframe", "object", "textarea", "form"} & {tag for tag, _ in tags.seen}
    assert not [a for _, attributes in tags.seen for a in attributes if a.startswith("on")]
    assert {a["src"][:22] for t, a in tags.seen if t == "img" and a["src"]} == {"data:image/png;base64,"}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    assert "\\u202egnp.exe\\u2066" in text and "{{ 7*7 }}" in text and "שלום" in text


@needs_chromium
def test_it_stands_alone_and_everybody_can_read_it(bad_page: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "report.html"
    file.write_text(bad_page, encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme in ("light", "dark"):
            look(browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme), file)  # type: ignore[arg-type]
        browser.close()


def look(page: Any, file: Path) -> None:
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url[:40]))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = page.evaluate(PAGE_JS)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and trouble == []
    assert found["worst"][0] >= 4.5, found["worst"]
    assert found["lang"] == "en" and found["title"].startswith("FAIL: ")
    assert [found[k] for k in ("overflow", "headless", "nameless", "alien", "deadLinks")] == [0, 0, 0, 0, 0]
    steps = zip(found["headings"], found["headings"][1:], strict=False)
    assert found["headings"][0] == 1 and all(after - before <= 1 for before, after in steps)
    assert "<script>document.title=" in page.inner_text("#wrong ~ details")


def test_the_page_has_its_parts_and_tells_what_is_missing() -> None:
    text = html(report(), evaluation="eval-1")
    for part in ("Reasons", "Figures", "Row by row", "Slices", "Judges and people", "The gate", "Answers"):
        assert f">{part}</h" in text
    assert "<del>4</del>" in text and "<ins>-1</ins>" in text.replace("<ins>-</ins><ins>1</ins>", "<ins>-1</ins>")
    assert "sha256" in text.lower() and "min_effect" in text and report().registered["digest"] in text
    bare = html(report(rows=(), judges=(), suites={}, comparisons=(), slices={}, metrics={}, registered={}))
    assert "Nothing was scored." in bare and "only the figures were kept" in bare and "No slice was compared." in bare
    assert ">Judges and people</h" not in bare and "not registered before training" in bare


def test_a_long_evaluation_makes_a_page_of_bounded_size() -> None:
    long = "word " * 2_000
    many = tuple(replace(row(n, long, right=False, base=long), expected=long) for n in range(400))
    text = html(report(rows=many))
    assert len(text) < 8_000_000 and "are not shown here; the JSON report holds every answer" in text
    shown = re.search(r"(\d+) of 400 rows", text)
    assert shown and int(shown[1]) < 400


def test_a_contestant_nobody_knows_is_shown_by_its_key() -> None:
    other = replace(FOUR[1], key="rival", model="ft:rival", shots=0)
    text = html(report(contestants=(FOUR[0], other, FOUR[3])))
    assert '<th scope="col">rival</th>' in text and BASE in text
