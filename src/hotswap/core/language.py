"""Which language a text is in, as far as it takes to speak to a model in it.

By the script where that tells, and in Latin letters by small words and accents: each counts for
the languages that have it, the less the more of them do. Mixed and very short texts have no
language here, and whoever asks falls back to English.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

LOOK_AT: Final = 2000
"""Characters of a text that are looked at: its last ones."""
SCRIPT_LEAST: Final = 0.3
"""Share of a text's letters that must be of a script for it to count."""
KANA_LEAST: Final = 0.1
"""Of a text in Chinese characters, to be Japanese."""
SCORE_LEAST: Final = 1.0
"""What its words and letters must add up to for a language in Latin letters ..."""
LEAD_LEAST: Final = 1.2
"""... and how many times the next one's."""

ENGLISH: Final = 1.5
"""How much more English words say: whoever is wrongly taken for English loses least."""

_SCRIPTS: Final = (
    (0, ""),
    (0x0370, "el"),
    (0x0400, "ru"),
    (0x0530, ""),
    (0x0590, "he"),
    (0x0600, "ar"),
    (0x0700, ""),
    (0x0900, "hi"),
    (0x0980, ""),
    (0x0E00, "th"),
    (0x0E80, ""),
    (0x1100, "ko"),
    (0x1200, ""),
    (0x3040, "ja"),
    (0x3100, ""),
    (0x3400, "zh"),
    (0xA000, ""),
    (0xAC00, "ko"),
    (0xD7B0, ""),
)
"""From which character on letters are of which script, named by its greatest language."""
_STARTS: Final = [start for start, _ in _SCRIPTS]

_NEIGHBOURS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "ru": (("be", "ў"), ("sr", "јљњћђџ"), ("kk", "қңғұәө"), ("uk", "іїєґ")),
        "ar": (("ur", "ٹڈڑںے"), ("fa", "پچژگ")),
    }
)
"""Languages of the same script, by letters that the greatest has not; the first that fits."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "the and of to in is that it for with as on by this at from an or be are was not "
        "you what how if can do my me your so no go a i we they he she but about there would will "
        "which when who why does did one all just write need want help please more than some am "
        "his her our us its explain translate tell show say have has had been into out up over "
        "then them these let give make",
        "de": "der die und das ist nicht ein eine einen mit von zu den dem im auf für wie durch "
        "sie ich es du auch sich des aus bei nach oder wenn kann kannst mir mich was man nur noch "
        "aber wir werden wird sind hat habe als bitte gibt mein dein zum zur über danke welche "
        "schreib schreibe erkläre hier ja nein wo geht dir",
        "fr": "le la les et est des une un dans que qu pour pas sur avec qui du au aux ce cette "
        "ou je vous il elle nous ne sont par plus mais en de à mon ma mes comment quoi quel "
        "quelle fait être merci bonjour voici peux tu te ça écris explique sais moi très se",
        "es": "el la los las es una un por con para de del que como cómo más su al qué sin se en "
        "no lo le me mi te tu está estás son pero puede puedes hay cuando porque muy ya gracias "
        "hola esto este esta cuál escribe explica aquí tiene tengo sé a o yo",
        "pt": "o os a as e é um uma não com para do da dos das que em no na de foi se por eu você "
        "está são mas como ao isso muito muita meu minha qual quais obrigado pode tem ser sem "
        "mais este escreva explique aqui sei me forma",
        "it": "il lo la gli le che è di una un per non con sono del della dello dei delle nel "
        "nella anche come i più dal dalla al alla ciò e a in si mi ma ha questo questa cosa quale "
        "quanto perché ho hai può puoi grazie sei scrivi spiega ecco so o da su modo",
        "nl": "het een en van is niet met voor dat op de zijn aan ook te hoe door geen ik je jij "
        "wat dit die er maar om als naar bij kan kun heeft hebben wordt worden dan nog wel zo "
        "mijn uit over waar welke bedankt schrijf hier we gaat weet me in",
        "pl": "nie się jest i na to że do jak są co dla przez oraz od tylko czy mi ale tym być po "
        "za ten ta te tego jako który która które jaka jaki jakie może możesz mam proszę tak "
        "jestem wiem dziękuję o oto a napisz wyjaśnij kod",
        "sv": "och att det som en ett är på av för med inte den till jag hur från i de du har kan "
        "om men var så vad när ska här sig eller min mycket mig vi mår tack skriv förklara vet "
        "över finns",
        "da": "og at det er en et af til på med ikke den der jeg som hvordan fra i for de du har "
        "kan om men var så hvad vi sig eller min meget mig blev være nogle efter skal tak hvor "
        "skriv forklar ved her over mange",
        "cs": "a je se na ve že to do jak pro jsou nebo které by jen od jsem si ale co za po tak "
        "jako který která být ten jeho už také když o i mi mám máš prosím děkuji není jaký jaká "
        "napiš vysvětli nevím můžeš zde moc",
        "tr": "ve bir bu için ile çok da de ne nasıl olarak gibi daha mi mı mu mü ama ben sen o "
        "var yok en kadar sonra her değil olan bana beni teşekkür nedir ederim yaz açıkla "
        "hakkında işte misin",
        "fi": "ja on ei se että mutta kuin ovat tai miten joka niin hän ole jos mitä minä minua "
        "sinä en oli olen voi voitko myös ne tämä tässä nyt vain kun mikä missä sen kiitos "
        "kirjoita selitä",
        "id": "yang dan di untuk dengan ini itu adalah dari pada tidak apa karena ada saya anda "
        "ke bisa bisakah akan juga atau bagaimana dalam sebagai oleh saja sudah lebih kamu kita "
        "terima kasih tulis jelaskan tentang berikut",
        "vi": "và là của có không các một được cho trong những người với bị thì tôi bạn này đó "
        "như để khi đã từ đến cũng về làm gì nào thế viết hãy",
        "ro": "și în de la cu este un o nu pe care sunt din mai pentru ce să se au fost dar după "
        "acest această foarte",
        "hu": "a az és hogy nem is egy van ez de mi meg volt csak ha már mint vagy kell lehet "
        "nagyon",
        "ca": "el la els les i és una un per amb de del que com més no se en al són però molt",
    }
)
"""Small words; of Romanian, Hungarian and Catalan too, lest they be taken for others.
Danish stands for Norwegian. Single consonants are names in code, and left out."""

_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "de": "äöüß",
        "fr": "àâçèéêëîïôùûœ",
        "es": "áéíñóú¿¡",
        "pt": "áâãàçéêíóôõú",
        "it": "àèéìòù",
        "nl": "éë",
        "pl": "ąćęłńóśźż",
        "sv": "åäö",
        "da": "åæø",
        "cs": "áčďéěíňóřšťúůýž",
        "tr": "çğıöşü",
        "fi": "äö",
        "vi": "ăâđêôơưàáãèéìíòóõùúýảạấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
        "ro": "ăâîșțşţ",
        "hu": "áéíóöőúüű",
        "ca": "àçèéíïòóúü",
    }
)
"""Letters beyond a to z."""


def _shared(known: Mapping[str, Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    """Turn around which words or letters the languages have."""
    owners: dict[str, list[str]] = {}
    for language, signs in known.items():
        for sign in dict.fromkeys(signs):
            owners.setdefault(sign, []).append(language)
    return MappingProxyType({sign: tuple(languages) for sign, languages in owners.items()})


_BY_WORD: Final = _shared({name: words.split() for name, words in _WORDS.items()})
_BY_LETTER: Final = _shared(_LETTERS)
_LETTER: Final = 0.5
"""What a letter says, as a share of what a word does."""


_words: Final = re.compile(r"(?<![\w./=$@#])[^\W\d_]+(?![\w/=(\[]|\.\w)").findall
"""Those that stand as words do, and not as names in code or in an address."""


def language_of(text: str) -> str:
    """Return the code of a text's language, such as `de`; empty: it is not known."""
    text = text[-LOOK_AT:].lower()
    letters = Counter(text)
    script = "" if text.isascii() else _script(letters)
    if not script:
        return _in_latin(text, letters)
    neighbours = _NEIGHBOURS.get(script, ())
    return next((name for name, own in neighbours if not letters.keys().isdisjoint(own)), script)


def _script(letters: Mapping[str, int]) -> str:
    """Return the language of the script in which a text is mostly; empty: Latin, or none."""
    total = 0
    counts: Counter[str] = Counter()
    for letter, count in letters.items():
        if letter.isalpha():
            total += count
            counts[_SCRIPTS[bisect_right(_STARTS, ord(letter)) - 1][1]] += count
    if counts["ja"] > KANA_LEAST * total:
        return "ja"
    ranked = counts.most_common()
    return next((name for name, count in ranked if name and count > SCRIPT_LEAST * total), "")


def _in_latin(text: str, letters: Mapping[str, int]) -> str:
    """Return the language whose words and letters a text has; empty: none, or two are alike."""
    scores = dict.fromkeys(_WORDS, 0.0)
    for word, count in Counter(_words(text)).items():
        owners = _BY_WORD.get(word, ())
        for language in owners:
            scores[language] += count / len(owners)
    for letter, count in letters.items():
        owners = _BY_LETTER.get(letter, ())
        for language in owners:
            scores[language] += _LETTER * count / len(owners)
    scores["en"] *= ENGLISH
    (_, next_most), (name, most) = sorted(scores.items(), key=lambda one: one[1])[-2:]
    return name if most >= SCORE_LEAST and most >= LEAD_LEAST * next_most else ""
