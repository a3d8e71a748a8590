"""Which language a text is in, and when it is better not to say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.language import UNKNOWN, language, script

TEXTS = {
    "en": "The customer says that the parcel did not arrive and asks for a new one.",
    "de": "Der Kunde sagt, dass das Paket nicht angekommen ist, und bittet um ein neues.",
    "fr": "Le client dit que le colis n'est pas arrivé et en demande un nouveau.",
    "es": "El cliente dice que el paquete no ha llegado y pide que le envíen otro nuevo.",
    "it": "Il cliente dice che il pacco non è arrivato e ne chiede uno nuovo.",
    "pl": "Klient mówi, że paczka nie dotarła, i prosi o nową przesyłkę.",
    "ru": "Клиент говорит, что посылка не пришла, и просит прислать новую.",
    "zh": "客户说包裹没有到，要求重新寄一个。",
    "ja": "荷物が届いていないので、新しいものを送ってほしいそうです。",
    "ko": "고객이 소포가 도착하지 않았다며 새로 보내 달라고 합니다.",
    "el": "Ο πελάτης λέει ότι το δέμα δεν έφτασε και ζητά καινούργιο.",
    "he": "הלקוח אומר שהחבילה לא הגיעה ומבקש חדשה.",
    "th": "ลูกค้าบอกว่าพัสดุยังมาไม่ถึงและขอชิ้นใหม่",
    "ar": "يقول العميل إن الطرد لم يصل ويطلب إرسال طرد جديد إليه.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_is_enough(code: str) -> None:
    assert language(TEXTS[code]) == code


@pytest.mark.parametrize("text", ["", "ok", "yes no", "12345 67890", "👍" * 30, "{}" * 30, "https://example.com/a/b/c"])
def test_too_little_is_unknown(text: str) -> None:
    assert language(text) == UNKNOWN


@pytest.mark.parametrize(
    "text", ['{"product": "mobile", "severity": "high"}', "```\ndef f(x): return x + 1\n```", "x_1 = y_2"]
)
def test_code_is_unknown(text: str) -> None:
    assert language(text) == UNKNOWN


def test_scripts() -> None:
    found = {code: script(text) for code, text in TEXTS.items()}
    assert found["en"] == found["pl"] == "Latin"
    assert (found["ru"], found["zh"], found["ja"], found["ko"]) == ("Cyrillic", "Han", "Kana", "Hangul")
    assert script("123 !?") == ""


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(language(text), str)
    assert isinstance(script(text), str)
