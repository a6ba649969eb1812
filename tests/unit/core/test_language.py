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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *[("Can you help me?", "en"), ("Write a poem about the sea.", "en")],
        *[("Ich weiß es nicht", "de"), ("Danke schön!", "de"), ("Wie geht es dir?", "de")],
        *[("Je ne sais pas", "fr"), ("C'est quoi ?", "fr"), ("Merci beaucoup", "fr")],
        *[("No lo sé", "es"), ("¿Cómo estás?", "es"), ("Muchas gracias", "es")],
        *[("Não sei", "pt"), ("Muito obrigado", "pt"), ("O código tem um erro.", "pt")],
        *[("Non lo so", "it"), ("Grazie mille", "it"), ("Puoi aiutarmi per favore?", "it")],
        *[
            ("Ik weet het niet", "nl"),
            ("Kun je me helpen?", "nl"),
            ("De code heeft een fout.", "nl"),
        ],
        *[("Nie wiem", "pl"), ("Jak się masz?", "pl"), ("Dziękuję bardzo", "pl")],
        *[("Jag vet inte", "sv"), ("Hur mår du?", "sv"), ("Tack så mycket", "sv")],
        *[("Jeg ved det ikke", "da"), ("Hvad er klokken?", "da"), ("Mange tak", "da")],
        *[("Děkuji moc", "cs"), ("Jaký je rozdíl?", "cs"), ("Můžeš mi pomoci?", "cs")],
        *[("Fark nedir?", "tr"), ("Çok teşekkür ederim", "tr"), ("Kodda bir hata var.", "tr")],
        *[("Mitä kuuluu?", "fi"), ("Kiitos paljon", "fi"), ("Voitko auttaa minua?", "fi")],
        *[("Saya tidak tahu", "id"), ("Terima kasih banyak", "id"), ("Apa kabar?", "id")],
        *[("Tôi không biết", "vi"), ("Cảm ơn bạn", "vi"), ("Mã này có lỗi.", "vi")],
        *[("Не знаю", "ru"), ("Дякую, це мій дім", "uk")],
        *[("谢谢", "zh"), ("ありがとう", "ja"), ("日本語で説明して", "ja"), ("고마워", "ko")],
        *[("Ευχαριστώ", "el"), ("شكرا", "ar"), ("תודה", "he"), ("धन्यवाद", "hi"), ("ขอบคุณ", "th")],
    ],
)
def test_a_few_words_tell_it_too(text: str, language: str):
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Do I need to do it?",
        "As I do, so do you as well",
        "What do I do on Monday?",
        "Go to a bar, do a dance",
        "We met at noon.",
        "Plan a trip to Rio de Janeiro and Buenos Aires",
        "The café in São Paulo where Jürgen met Señor Núñez is on Çağlar Street.",
        "I'd like a die and a den for des",
        "In a man's den, men sit on a mat",
        "Who wrote Les Misérables?",
        "SELECT a, b FROM t WHERE c = 1",
        "let x = 1; const a = [o, e];",
    ],
)
def test_english_is_not_taken_for_a_language_that_shares_its_words(text: str):
    assert language_of(text) in {"", "en"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Numele meu este Ana și nu sunt din România", "ro"),
        ("Nem tudom, hogy ez egy jó ötlet, de a ház nagy", "hu"),
        ("La casa és gran i el gos és molt petit", "ca"),
        ("من نمی‌دانم چه کار کنم", "fa"),
        ("میں نہیں جانتا کہ یہ ٹھیک ہے", "ur"),
        ("Не знам шта је ово, љубазно молим", "sr"),
        ("Я не ведаю, што гэта ў нас", "be"),
        ("Мен білмеймін, қалай екенін", "kk"),
    ],
)
def test_neighbours_are_not_taken_for_each_other(text: str, language: str):
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        *["", "42 + 1 = 43", "OK", "Superior", "x = y", "def f(x): return x"],
        *["https://example.com/de/la/que/le", "/usr/local/lib/de/en", "Kumusta ka na?"],
        *['{"a": 1, "de": "la"}', "$ npm run build && npm test", "// \\frac{a}{b}"],
        *["\u0561\u0562\u0563", "\u10d0\u10d1\u10d2"],
    ],
)
def test_what_is_short_or_no_language_is_unknown(text: str):
    assert language_of(text) == ""


def test_only_the_end_of_a_long_text_counts():
    assert language_of("the and of it is " * 500 + "der und das ist nicht ein von " * 100) == "de"


def test_code_with_a_foreign_comment_is_in_the_language_of_the_comment():
    code = "# Die Summe der Zahlen, die nicht null sind, ist mit der Liste zu bilden\nx = sum(a)\n"

    assert language_of(code) == "de"
