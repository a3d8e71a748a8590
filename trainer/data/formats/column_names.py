"""Names that people give to columns of questions and answers, in several languages."""

from __future__ import annotations

import re
import unicodedata


def plain_name(column: str) -> str:
    """Lower case, without accents, with single underscores: "Réponse Client" → "reponse_client"."""
    return "_".join(words(column))


def words(column: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    folded = unicodedata.normalize("NFKD", spaced.casefold().replace("ł", "l").replace("ı", "i"))
    bare = "".join(char for char in folded if not unicodedata.combining(char) or (not char.isascii() and _kept(char)))
    return re.findall(r"[^\s_\-./:;,!?()\[\]#]+", unicodedata.normalize("NFC", bare))


def _kept(char: str) -> bool:
    """Marks that are letters of their script (Hindi, Arabic, Japanese) stay; accents go."""
    return not "\u0300" <= char <= "\u036f"


def _names(listed: str) -> frozenset[str]:
    return frozenset(map(plain_name, listed.split()))


# (names of what is asked, names of what is answered): a pair counts only when both sides come from one family
FAMILIES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (_names(asks), _names(answers))
    for asks, answers in (
        ("question q query quest", "answer a response reply ans"),
        ("prompt", "response completion answer output reply generation"),
        ("query request", "response result answer output reply"),
        ("instruction", "response answer completion"),
        ("input", "output target label answer response"),
        ("source src", "target tgt translation"),
        ("user human customer client", "assistant bot agent gpt model reply"),
        ("message", "reply response answer category label intent"),
        ("text sentence review comment tweet utterance", "label category class sentiment intent topic target tag"),
        ("ticket issue", "category label reply answer response resolution queue priority team"),
        ("email mail subject", "reply category label response answer"),
        ("document article content body", "summary abstract category label headline"),
        ("problem exercise", "solution answer"),
        ("context", "response reply"),
        # German
        ("frage anfrage", "antwort"),
        ("eingabe", "ausgabe antwort"),
        ("text satz nachricht", "kategorie etikett klasse antwort"),
        ("quelle", "ziel ubersetzung"),
        ("anweisung", "antwort ausgabe"),
        # French
        ("question demande", "reponse"),
        ("entree", "sortie reponse"),
        ("texte phrase message", "etiquette categorie classe reponse"),
        # Spanish, Portuguese, Italian
        ("pregunta consulta", "respuesta"),
        ("entrada", "salida respuesta saida resposta"),
        ("texto mensaje mensagem frase", "etiqueta categoria clase classe respuesta resposta rotulo"),
        ("pergunta", "resposta"),
        ("domanda", "risposta"),
        ("testo messaggio", "etichetta categoria classe risposta"),
        # Dutch, Polish, Turkish
        ("vraag", "antwoord"),
        ("pytanie", "odpowiedz"),
        ("soru", "cevap yanit"),
        ("girdi", "cikti cevap"),
        # Russian, Ukrainian
        ("вопрос", "ответ"),
        ("текст", "метка категория класс ответ"),
        ("питання", "відповідь"),
        # Chinese, Japanese, Korean, Arabic, Hindi
        ("问题 問題 提问", "答案 回答 回复 答复"),
        ("输入 輸入 入力", "输出 輸出 出力"),
        ("文本 内容", "标签 类别"),
        ("質問", "回答 答え"),
        ("질문", "답변 대답"),
        ("سؤال السؤال", "جواب الجواب إجابة"),
        ("प्रश्न", "उत्तर"),
    )
)
SYSTEM = frozenset(["system", "system_prompt", "systemprompt", "system_message", "persona"])
NOTES = frozenset(
    [
        "id",
        "idx",
        "index",
        "uuid",
        "no",
        "nr",
        "number",
        "date",
        "timestamp",
        "created",
        "created_at",
        "url",
        "split",
        "lang",
        "language",
        "row",
    ]
)
