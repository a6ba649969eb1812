"""A text's language, as far as it takes to speak to a model in it."""

import pytest

from hotswap.core.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The three largest lakes of the world are in Asia and Africa.", "en"),
        ("Die drei größten Seen der Welt liegen in Asien und auf dem Kontinent.", "de"),
        ("Les trois plus grands lacs du monde sont dans les pays du nord.", "fr"),
        ("Los tres lagos más grandes del mundo están en el norte y son muy fríos.", "es"),
        ("Os três maiores lagos do mundo não ficam em um só país.", "pt"),
        ("I tre laghi più grandi del mondo non sono nella stessa regione.", "it"),
        ("De drie grootste meren zijn niet in het noorden van het land.", "nl"),
        ("Trzy największe jeziora nie są w Polsce i to jest pewne.", "pl"),
        ("De tre största sjöarna är inte i Sverige, och det är känt.", "sv"),
        ("De tre største søer er ikke i Danmark, og det er kendt af alle.", "da"),
        ("Tři největší jezera jsou na severu a nebo na jihu, jak je známo.", "cs"),
        ("Suurin järvi on Suomessa, mutta se ei ole kovin syvä.", "fi"),
        ("En büyük üç göl için bir liste ve bu liste çok uzun.", "tr"),
        ("Tiga danau terbesar yang ada di dunia ini adalah danau dengan air tawar.", "id"),
        ("Ba hồ lớn nhất là những hồ có nước ngọt và không được biết đến.", "vi"),
        ("Три крупнейших озера мира находятся в Азии.", "ru"),
        ("Три найбільші озера світу лежать в Азії, і це відомо.", "uk"),
        ("Οι τρεις μεγαλύτερες λίμνες του κόσμου.", "el"),
        ("أكبر ثلاث بحيرات في العالم", "ar"),
        ("שלושת האגמים הגדולים בעולם", "he"),
        ("दुनिया की तीन सबसे बड़ी झीलें", "hi"),
        ("ทะเลสาบที่ใหญ่ที่สุดสามแห่ง", "th"),
        ("世界上最大的三个湖泊是苏必利尔湖。", "zh"),
        ("世界で最も大きな湖は三つあります。", "ja"),
        ("세계에서 가장 큰 호수 세 곳은", "ko"),
    ],
)
def test_a_sentence_tells_its_language(text: str, language: str):
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "42 + 1 = 43", "def f(x): return x", "OK", "Superior"])
def test_what_is_short_or_no_language_is_unknown(text: str):
    assert language_of(text) == ""


def test_only_the_end_of_a_long_text_counts():
    assert language_of("the and of it is " * 500 + "der und das ist nicht ein von " * 100) == "de"


def test_code_with_a_foreign_comment_is_in_the_language_of_the_comment():
    code = "# Die Summe der Zahlen, die nicht null sind, ist mit der Liste zu bilden\nx = sum(a)\n"

    assert language_of(code) == "de"
