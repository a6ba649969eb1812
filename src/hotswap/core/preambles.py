"""What targets say before, or instead of, going on with a broken answer: the published list.

Asked to continue, a target sometimes speaks of it first ("Sure! Here is the rest:"). A preamble
is a chain of the phrases below, each with the punctuation that ends it, and with what separates
it from what follows: one space, or one or two line breaks, or nothing after a colon. Case does
not matter, quotes may be curly, an announcement may stand in brackets or asterisks.

An opener alone ("Sure") is a preamble only at the beginning, with a capital, and before ":", "!"
or a line break: answers go on with such words as well. "Sure," counts when an announcement
follows; one of a single word needs a capital, or brackets.
"""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from .repeat import UNDECIDED

Pattern = tuple[tuple[str, ...], ...]
"""Columns of words: a phrase takes one of each, with a space between those that are not empty."""


def _spoken(*columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return every phrase of a pattern."""
    return tuple(" ".join(part for part in row if part) for row in product(*columns))


OPENERS: Final = (
    *("sure", "sure thing", "certainly", "of course", "okay", "ok", "absolutely", "got it"),
    *("understood", "alright", "all right", "no problem", "right", "yes", "sorry about that"),
    *("i apologize", "i'm sorry", "my apologies", "apologies", "sorry"),
    *("natürlich", "gerne", "klar", "sicher", "selbstverständlich", "verstanden", "in ordnung"),
    *("entschuldigung", "bien sûr", "certainement", "d'accord", "entendu", "compris", "désolé"),
    *("claro", "claro que sí", "por supuesto", "de acuerdo", "entendido", "desde luego"),
    *("perdón", "lo siento", "certo", "certamente", "va bene", "d'accordo", "capito", "scusa"),
    *("claro que sim", "com certeza", "entendi", "desculpe", "está bem", "natuurlijk"),
    *("zeker", "uiteraard", "prima", "begrepen", "oké"),
)
"""May open a preamble; alone they hardly are one."""

_ENGLISH: Final = (
    (
        ("here is", "here's", "this is", "below is", "here comes"),
        (
            *("the rest", "the continuation", "the remainder", "the remaining text"),
            *("the remaining part", "the missing rest", "the missing part", "the missing text"),
        ),
        (
            *("", "of the answer", "of my answer", "of the message", "of my message"),
            *("of the response", "of my response", "of the text", "of my last message"),
            *("of my previous message", "of my last response", "of my previous response"),
        ),
    ),
    (
        (
            *("continuing", "resuming", "picking up", "i will continue", "i'll continue"),
            *("let me continue", "i will pick up", "i'll pick up", "let me pick up"),
            *("i will resume", "i'll resume", "let me resume", "to continue"),
        ),
        ("", "exactly", "right", "directly"),
        ("from where", "where"),
        ("i left off", "we left off", "i stopped", "it stopped", "it was cut off", "i was cut off"),
    ),
    (
        ("my", "the"),
        ("last", "previous"),
        ("message", "answer", "response", "reply"),
        ("was cut off", "got cut off", "was cut short", "was interrupted", "was truncated"),
        ("", "by a technical fault"),
    ),
    (
        ("sorry for", "apologies for", "i apologize for", "i'm sorry for"),
        ("the interruption", "the inconvenience", "the cut-off"),
    ),
    (
        (
            *("continuing", "continued", "i will continue", "i'll continue", "let me continue"),
            *("continuation", "continuing the answer", "continuing my previous message"),
            *("continuing from the previous message", "continuing the previous message"),
        ),
    ),
)
_GERMAN: Final = (
    (
        ("hier ist", "hier kommt", "hier folgt", "es folgt", "das ist"),
        ("der rest", "die fortsetzung", "der fehlende teil", "der fehlende rest"),
        ("", "der antwort", "meiner antwort", "der nachricht", "meiner nachricht", "des textes"),
    ),
    (
        ("meine", "die"),
        ("letzte", "vorherige"),
        ("nachricht", "antwort"),
        ("wurde abgeschnitten", "wurde unterbrochen", "wurde abgebrochen"),
    ),
    (
        ("ich fahre fort", "ich mache weiter", "ich setze fort", "weiter geht es", "weiter"),
        ("", "wo ich aufgehört habe", "wo ich unterbrochen wurde", "an der stelle"),
    ),
    (("fortsetzung", "fortsetzung der antwort", "entschuldigung für die unterbrechung"),),
)
_FRENCH: Final = (
    (
        ("voici", "voilà"),
        ("la suite", "le reste", "la fin"),
        ("", "de la réponse", "de ma réponse", "du message", "de mon message", "du texte"),
    ),
    (
        ("je continue", "je reprends", "je poursuis", "reprenons", "continuons"),
        ("", "là où je me suis arrêté", "là où je m'étais arrêté", "où je m'étais arrêté"),
    ),
    (
        ("mon message", "ma réponse", "mon message précédent", "ma réponse précédente"),
        ("a été coupé", "a été coupée", "a été interrompu", "a été interrompue"),
    ),
    (("suite", "suite de la réponse", "désolé pour l'interruption"),),
)
_SPANISH: Final = (
    (
        ("aquí está", "aquí tienes", "esta es", "este es"),
        ("el resto", "la continuación", "lo que falta", "la parte que falta"),
        ("", "de la respuesta", "de mi respuesta", "del mensaje", "de mi mensaje", "del texto"),
    ),
    (
        ("continúo", "continuando", "sigo", "continuaré", "retomo"),
        ("", "desde donde lo dejé", "donde lo dejé", "desde donde me quedé", "donde me quedé"),
    ),
    (
        ("mi mensaje", "mi respuesta", "mi mensaje anterior", "mi respuesta anterior"),
        ("se cortó", "se interrumpió", "fue interrumpido", "fue interrumpida"),
    ),
    (("continuación", "perdón por la interrupción"),),
)
_ITALIAN: Final = (
    (
        ("ecco", "questo è", "questa è"),
        ("il resto", "la continuazione", "il seguito", "la parte mancante"),
        ("", "della risposta", "della mia risposta", "del messaggio", "del testo"),
    ),
    (
        ("continuo", "riprendo", "proseguo", "continuando"),
        ("", "da dove ero rimasto", "da dove mi ero interrotto", "da dove mi sono fermato"),
    ),
    (
        (
            *("il mio messaggio è stato interrotto", "la mia risposta è stata interrotta"),
            *("continuazione", "scusa per l'interruzione"),
        ),
    ),
)
_PORTUGUESE: Final = (
    (
        ("aqui está", "segue", "esta é", "este é"),
        ("o resto", "o restante", "a continuação", "a parte que falta"),
        ("", "da resposta", "da minha resposta", "da mensagem", "da minha mensagem", "do texto"),
    ),
    (
        ("continuo", "continuando", "vou continuar", "retomando"),
        ("", "de onde parei", "a partir de onde parei", "de onde paramos"),
    ),
    (
        (
            *("minha mensagem foi cortada", "minha resposta foi interrompida", "continuação"),
            *("desculpe pela interrupção",),
        ),
    ),
)
_DUTCH: Final = (
    (
        ("hier is", "hier komt", "hier volgt", "dit is"),
        ("de rest", "het vervolg", "het ontbrekende deel"),
        ("", "van het antwoord", "van mijn antwoord", "van het bericht", "van mijn bericht"),
    ),
    (
        ("ik ga verder", "ik ga door", "verder"),
        ("", "waar ik gebleven was", "waar ik was gebleven", "vanaf waar ik stopte"),
    ),
    (
        (
            *("mijn bericht werd afgebroken", "mijn antwoord werd onderbroken", "vervolg"),
            *("excuses voor de onderbreking",),
        ),
    ),
)
PATTERNS: Final[Mapping[str, tuple[Pattern, ...]]] = MappingProxyType(
    {
        "English": _ENGLISH,
        "German": _GERMAN,
        "French": _FRENCH,
        "Spanish": _SPANISH,
        "Italian": _ITALIAN,
        "Portuguese": _PORTUGUESE,
        "Dutch": _DUTCH,
    }
)
"""By language."""
ANNOUNCEMENTS: Final = tuple(
    dict.fromkeys(
        phrase
        for patterns in PATTERNS.values()
        for columns in patterns
        for phrase in _spoken(*columns)
    )
)
"""Say that the rest follows; each is a preamble with a full stop, a colon or a line break."""

FILLERS: Final = (
    *_spoken(("[end]", "(end)", "<end>", "[done]", "(done)", "[complete]", "(complete)")),
    *("[end of message]", "(end of message)", "[end of answer]", "(end of answer)"),
    *("[end of response]", "(end of response)", "end of message.", "end of answer."),
    *_spoken(
        ("the answer", "my answer", "the message", "my message", "my previous message"),
        ("is complete.", "was complete.", "is already complete.", "was already complete."),
    ),
    *("nothing to add.", "there is nothing to add.", "there is nothing more to add."),
    *("nothing more to add.", "i have nothing to add.", "no continuation needed."),
    *("(no continuation needed)", "[no further text]", "(no further text)"),
    *("[ende]", "(ende)", "die antwort war bereits vollständig.", "nichts hinzuzufügen."),
    *("[fin]", "(fin)", "la réponse était déjà complète.", "rien à ajouter."),
    *("la respuesta ya estaba completa.", "nada que añadir.", "nada a acrescentar."),
    *("la risposta era già completa.", "niente da aggiungere.", "a resposta já estava completa."),
    *("[einde]", "(einde)", "het antwoord was al compleet.", "niets toe te voegen."),
)
"""Stand for an empty continuation of an answer that was complete."""

_OPENERS: Final = frozenset(OPENERS)
_PHRASES: Final = frozenset(OPENERS + ANNOUNCEMENTS)
_IN_ORDER: Final = tuple(sorted(_PHRASES))
_FILLERS: Final = frozenset(FILLERS)
_LONGEST: Final = max(map(len, _PHRASES))
_STRAIGHT: Final = str.maketrans({0x2019: "'", 0x2018: "'", 0xA0: " ", 0x202F: " ", 0x130: "I"})
"""Characters for others, one for one; U+0130 is the only one that lower() makes longer."""
_CLOSERS: Final = {"*": "*", "_": "_", "(": ")", "[": "]"}
_DASHES: Final = (" - ", " \u2013 ", " \u2014 ", "\u2014")
_JOINTS: Final = (", ", "; ", ". ", " ", "! ", ": ", "!\n\n", ".\n\n", ":\n\n", "\n\n")
"""Between two phrases of one preamble."""
_BETWEEN: Final = _DASHES + _JOINTS
_ENDS: Final = ":!.\u2026"
_CLOSED: Final = "*_)]"


class _Phrase(Struct, frozen=True, gc=False):
    end: int
    """Where it ends, closing brackets and asterisks included; 0: there is none."""
    opener: bool = False
    firm: bool = False
    """An announcement that no answer contains by chance: several words, or enclosed."""


_NONE: Final = _Phrase(0)
_PARTIAL: Final = _Phrase(UNDECIDED)


def read_preamble(text: str, start: int, *, final: bool, bare: bool) -> int:
    """Return where the preamble that begins at `start` ends: `start` where there is none.

    Args:
        text: Of the continuation, as far as it came.
        start: Where a preamble may begin.
        final: Nothing more comes: `UNDECIDED` is not an answer.
        bare: An opener without an announcement counts, at the beginning.
    """
    lower = text.translate(_STRAIGHT).lower()
    ended = start
    while True:
        capital = text[ended : ended + 1].isupper()
        end = _read_one(lower, ended, final=final, bare=bare and ended == start, capital=capital)
        if end == UNDECIDED and not final:
            return UNDECIDED
        if end in (ended, UNDECIDED):
            return ended
        ended = end


def _read_one(lower: str, start: int, *, final: bool, bare: bool, capital: bool) -> int:
    """Return where phrases that are joined ("sure, here is the rest:") end; `start`: nowhere."""
    at = start
    alone = True
    while True:
        phrase = _phrase(lower, at, final=final)
        if phrase.end <= 0:
            return phrase.end or start
        at = phrase.end
        alone = alone and (phrase.opener or not (capital or phrase.firm))
        if not alone or (bare and capital):
            end = _end(lower, at, alone=alone, final=final)
            if end:
                return end
        if not final and _is_partial(lower[at:]):
            return UNDECIDED
        at = _after(lower, at, _JOINTS)


def _phrase(lower: str, start: int, *, final: bool) -> _Phrase:
    """Read the longest phrase at `start`, with what encloses it."""
    at = start
    closers = ""
    while len(closers) < 2 and (closer := _CLOSERS.get(lower[at : at + 1])):
        closers = closer + closers
        at += 1
    rest = lower[at : at + _LONGEST + 1]
    if not final and _begins_one(rest):
        return _PARTIAL
    phrase = _longest(rest)
    end = at + len(phrase)
    if not phrase or lower[end : end + 1].isalnum():
        return _NONE
    if not closers:
        opener = phrase in _OPENERS
        return _Phrase(end, opener=opener, firm=not opener and " " in phrase)
    end += _span(lower, end, _ENDS)
    if closers.startswith(lower[end:]) and not final:
        return _PARTIAL
    enclosed = phrase not in _OPENERS and lower.startswith(closers, end)
    return _Phrase(end + len(closers), firm=True) if enclosed else _NONE


def _begins_one(rest: str) -> bool:
    """Say whether a phrase begins like this, or is this."""
    at = bisect_left(_IN_ORDER, rest)
    return at < len(_IN_ORDER) and _IN_ORDER[at].startswith(rest)


def _longest(rest: str) -> str:
    if not _begins_one(rest[:2]):
        return ""
    return next((rest[:n] for n in range(len(rest), 1, -1) if rest[:n] in _PHRASES), "")


def _end(lower: str, start: int, *, alone: bool, final: bool) -> int:
    """Return where the punctuation and the separator after a phrase end; 0: the phrase goes on."""
    at = start
    if not alone and (dash := _after(lower, at, _DASHES)) != at:
        return dash
    at += lower.startswith((" :", " !"), at)
    marked = lower[at : at + _span(lower, at, _ENDS)]
    at += len(marked)
    if alone and marked not in {"", ":", "!"}:
        return 0
    rest = lower[at : at + 2]
    if rest in {"", " ", "\n"} and not final:
        return UNDECIDED
    if rest[:1] == "\n":
        return at + 1 + (rest == "\n\n")
    if rest[:1] == " ":
        return at + 1 if marked or lower[at - 1] in _CLOSED else 0
    return at if not alone and marked in {":", "\u2026", "..."} else 0


def _span(lower: str, at: int, marks: str) -> int:
    rest = lower[at : at + 4]
    return len(rest) - len(rest.lstrip(marks))


def _is_partial(rest: str) -> bool:
    return len(rest) < 4 and any(mark.startswith(rest) for mark in _BETWEEN)


def _after(lower: str, at: int, marks: tuple[str, ...]) -> int:
    return next((at + len(mark) for mark in marks if lower.startswith(mark, at)), at)


def is_filler(text: str) -> bool:
    """Say whether a whole continuation only says that nothing was missing."""
    return text.rstrip().lower() in _FILLERS


def may_become_filler(text: str) -> bool:
    """Say whether more characters could make it a filler, or whether it is one so far."""
    lower = text.lower()
    begun = any(filler.startswith(lower) and filler != lower for filler in FILLERS)
    return begun or lower.rstrip() in _FILLERS
