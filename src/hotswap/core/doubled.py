"""Words that double their beginning: "co" + "coa" is cocoa, not a "co" said twice.

Where a cut left "co" and the continuation begins with "coa", the target may have repeated the
partial word, or have gone on exactly. These words are where exactness is likely; every other
beginning that comes twice is a repeat. Lower case, Latin script.
"""

from typing import Final

_SYLLABLES: Final = """
baba beriberi blabla bobo bonbon bulbul bébé cancan chacha chichi chouchou coco coucou couscous
dada dede dodo doudou dumdum dédé farfar fifi froufrou gaga gigi gogo grisgris haha hehe hihi hoho
hotshots jaja joujou juju kaka kiki koko kuku lala lele lili lolo loulou lulu mama meme mimi momo
mormor murmur muumuu mémé nana nene nono nounou papa pawpaw pepe pipi pompom popo pupu pépé rara
rere sasa sese sisi soso susu tamtam tartar tata tete titi tomtom tonton toto toutou tsetse tuktuk
tutu tätä tété umum vivi wawa yoyo yumyum zaza zizi zuzu
"""
"""Words that are nothing but the same twice."""
_WORDS: Final = """
amamos babas barbare barbares bebek beben bebend beber bebes bibir bobos bonbons bébés cacao
cacaos cacau cacaus cocoa cocoas cocon cocons cocos dadais dedent dedented dedenting dedents dodos
entente ententes ererbt gegen kakak lilies lulus mamada mamar mamas mementi memento mementos memes
mimic mimics murmurs papacy papai papal papas papate papaux pipit pompoms popote popotes raras
reread rereading rereads reredos sesenta seseo sosos susurra susurrar susurro susurros
susurró tetera teteras titik tutup tutus ververs verversen verversing ververst vivid vivir vivió
yoyos
"""
"""Words that begin with the same twice, where others do not: cocon, but not co-continue."""
_LETTERS: Final = """
bb bbc bbox bbq bbs cc ccd ccpa cctv ccw dd ddl ddos ddr ff ffi ffs fft gg ggml ggplot gguf hh
hhvm jj kk kkk mm mmap mmorpg mms mmx nn nnn nnz pp ppa ppb ppl ppm ppp pps ppt pptx ppv qq rr
rrdtool rrule ss ssd sse ssg ssh sshd ssi ssid ssl sso ssp ssr sst tt ttf ttft ttl ttls tts tty
ttyl vv vvv ww wwan www xx xxhash xxl xxs xxx yy yyyy zz zzz
"""
"""Names and abbreviations that begin with a letter twice."""
_BEGINNINGS: Final = """
alfalfa amamant ananas assassin babae babassu barbari barbaro bebedor bebendo beberapa bobolink
cacahu cacarear cacarej cacareo cacatu ccache chercher cicisbe cocodril coconut cocoon cocorico
cocotero cocotier cocotte cucull cucumb cucurb cucuruch dididik didietro didirikan eineinhalb
ffmpeg gargari gegeb gegenei gegenl gegens gegenw gegenü gegess gegeten gegeven ininfluent
ininteligib inintelligib ininterromp ininterrot ininterrump inintéress jujub jujuts kokoel kokona
kokous kukuruz liliac memegang memenuhi memeriksa memerl memetic mimicr mimiqu murmure murmuri
nonostante ononderbroken onontbeer onontkoom onontwikkeld papagai papagal papagay papagei paparazz
papauté papaver papaya pipistr popolar popolaz popolo purpura quaquar rarament rerecord reregist
rerelease rerender rerequest seseorang subsubsec susurran tartare tatami tintinn titilla titirit
tutustu ununterbro ununtersch viviend vivisec vorvorg vorvorl zuzu
"""
"""Beginnings of words that begin with the same twice, with their endings in all languages."""

WHOLE: Final = frozenset((_SYLLABLES + _WORDS + _LETTERS).split())
BEGINNINGS: Final = tuple(_BEGINNINGS.split())
_STARTS: Final = frozenset(
    word[:n] for word in (*WHOLE, *BEGINNINGS) for n in range(1, len(word) + 1)
)


def is_doubled(word: str, twice: int) -> bool:
    """Say whether a word, whose first `twice` characters come twice, does so by nature."""
    return word in WHOLE or (
        word.startswith(BEGINNINGS)
        and any(len(start) >= 2 * twice and word.startswith(start) for start in BEGINNINGS)
    )


def may_be_doubled(start: str) -> bool:
    """Say whether more letters could make it such a word."""
    return start in _STARTS
