"""Answers that refuse. A model learns to refuse from them, also where it could have helped.

Only the start of an answer counts, and only refusals to act: "I'm sorry, but I can't help with that" does,
"I'm sorry, but I can't find your order" does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainer.data.findings import Problem, quote
from trainer.data.quality.patterns import APOSTROPHE, GAP, anyhow, find
from trainer.data.view import View

START = 240  # characters of the answer that are looked at

HINT = "|".join(
    (
        rf"can(?:{APOSTROPHE}t|not|{GAP}not){GAP}(?:really{GAP})?[a-z]",
        rf"(?:unable|not{GAP}able|not{GAP}allowed|not{GAP}permitted|not{GAP}comfortable){GAP}to|decline",
        rf"(?:won{APOSTROPHE}t|will{GAP}not)",
        rf"(?:as|i{APOSTROPHE}m|i{GAP}am|just|only){GAP}an?{GAP}(?:ai|artificial|large|language)",
        rf"ich{GAP}(?:kann|darf)|als{GAP}ki|sprachmodell|kann{GAP}ich|taalmodel|ik{GAP}kan",
        rf"je{GAP}ne{GAP}(?:peux|suis)|en{GAP}tant{GAP}qu|in{GAP}quanto{GAP}(?:ia|modello|intell)",
        rf"no{GAP}puedo|como{GAP}(?:una?{GAP})?(?:ia|modelo|intelig)|non{GAP}posso|nie{GAP}mog|jako{GAP}(?:model|sztuczna)",
        anyhow(
            "não posso",
            "Não posso",
            "künstliche",
            "抱歉",
            "对不起",
            "對不起",
            "语言模型",
            "語言模型",
            "人工智能",
            "人工智慧",
        ),
        anyhow("作为AI", "作為AI", "申し訳", "言語モデル", "죄송", "언어 모델", "не могу", "языковая модель"),
        anyhow("искусственный", "как ИИ", "Как ИИ"),
    )
)

_VERB = (
    r"(?:assist|help|fulfil+|comply|provide|do (?:that|this)|answer|generate|create|write|engage|discuss|"
    r"share (?:that|this)|support (?:that|this)|participate|give (?:you )?(?:medical|legal|financial)|"
    r"offer (?:medical|legal|financial)|process (?:that|this) request|continue with (?:this|that))"
)
_CANNOT = (
    r"(?:can['’]?t|can ?not|am (?:not able|unable) to|['’]m (?:not able|unable) to|won['’]t be able to|will not|"
    r"am not (?:allowed|permitted|comfortable)(?: to)?|must decline to|have to decline to)"
)
PROOFS = (
    rf"(?i)(?:^|[.!?,;:\n] ?|\bbut )(?:i|we)(?: really| simply| also)? ?{_CANNOT}(?: really| directly)? {_VERB}\b",
    r"(?i)(?:^|[.!?,;:\n] ?|\bbut )i (?:am |['’]?m )?unable to "
    rf"{_VERB}\b",
    r"(?i)(?:^|[.!?,;:\n] ?|\bbut |\band )(?:as|i am|i['’]?m)(?: just| only)? an? (?:ai\b|artificial intelligence|"
    r"large language model|language model)",
    r"(?i)\bi must (?:respectfully |politely )?decline\b",
    r"(?i)\bi (?:can['’]?t|cannot) (?:help|assist) (?:you )?with (?:that|this)\b",
    r"(?i)als (?:ki|künstliche intelligenz|ki-sprachmodell|sprachmodell)\b.{0,40}\b(?:kann|darf|bin)",
    r"(?i)(?:tut mir leid|entschuldigung|bedaure).{0,24}\bich (?:kann|darf) .{0,60}nicht (?:helfen|weiterhelfen|"
    r"beantworten|bereitstellen|unterstützen|erfüllen|schreiben)",
    r"(?i)(?:dabei|damit) kann ich (?:ihnen |dir )?(?:leider )?nicht (?:weiter)?helfen",
    r"(?i)en tant qu(?:e modèle|['’]ia\b|['’]intelligence artificielle|['’]assistant ia)",
    r"(?i)(?:désolée?|regrette).{0,30}je ne (?:peux|suis pas en mesure).{0,20}(?:aider|répondre|fournir|écrire)",
    r"(?i)como (?:una? )?(?:ia\b|modelo de l(?:enguaje|inguagem)|inteligencia artificial|inteligência artificial)",
    r"(?i)(?:lo siento|lamento|disculpa).{0,20}no puedo (?:ayudar|asistir|cumplir|responder|proporcionar|escribir)",
    r"(?i)(?:desculpe|sinto muito|lamento).{0,20}não posso (?:ajudar|responder|fornecer|cumprir|escrever|atender)",
    r"(?i)(?:mi dispiace|spiacente).{0,20}non posso (?:aiutar|rispondere|fornire|soddisfare|scrivere)",
    r"(?i)in quanto (?:ia\b|modello linguistico|intelligenza artificiale)",
    r"(?i)(?:het spijt me|sorry).{0,20}ik kan .{0,30}niet (?:helpen|mee helpen|beantwoorden)|als (?:ai-)?taalmodel",
    r"(?i)jako (?:model językowy|sztuczna inteligencja)|nie mogę (?:ci )?(?:w tym )?pomóc",
    r"(?:抱歉|对不起|對不起).{0,12}(?:我)?(?:不能|无法|無法)(?:提供|协助|協助|帮助|幫助|回答|满足|完成|继续)|"
    r"作为(?:一个|一個|一名)?(?:AI|人工智能|语言模型)|作為(?:一個)?(?:AI|人工智慧|語言模型)",
    r"申し訳(?:あり|ござい)ませんが.{0,40}(?:できません|できかねます|いたしかねます)。?$|言語モデルとして",
    r"죄송(?:하지만|합니다).{0,30}(?:도와드릴 수 없|제공할 수 없|답변(?:을|할)? ?수 없)|언어 모델로서",
    r"(?i)как (?:языковая модель|искусственный интеллект|ии\b)|(?:извините|к сожалению|простите).{0,12}"
    r"я не могу (?:помочь|ответить|предоставить|выполнить|написать)",
)
_ANY = "(?s)" + "|".join(f"(?:{proof})" for proof in PROOFS)


def refusal(answer: str) -> str | None:
    """The words with which an answer refuses; None for one that does not."""
    return find(_ANY, answer[:START].lstrip())


def look(view: View) -> Iterator[Problem]:
    found = refusal(view.answer)
    if found:
        yield Problem(
            "refusal_answer", "The answer refuses instead of answering.", "answer", quote(found.lstrip(".,;: "))
        )
