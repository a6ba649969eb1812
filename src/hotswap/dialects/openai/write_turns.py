"""Neutral turns, written as the messages of a chat."""

from collections.abc import Sequence
from typing import Final

from ..api import UnableError
from ..neutral import Audio, Call, File, Image, Part, Refusal, Result, Role, Text, Thinking, Turn
from ..turns import settled, split_system
from .ids import fitting_id
from .kinds import Kind
from .whole import write_call

Message = dict[str, object]

_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_BETWEEN: Final = "OK."
"""What the assistant says between a tool's result and the user, where somebody has to."""
_SEE_BELOW: Final = "The result follows."
"""Stands for a result that text cannot hold; it comes in the next message of the user."""
_MARK: Final = {"type": "ephemeral"}


def write_turns(turns: Sequence[Turn], kind: Kind) -> list[Message]:
    """Write a conversation as servers of `kind` take it; raises `UnableError`.

    Every call has its results right behind it. Thinking is left out, and turns that hold nothing
    else.
    """
    writing = _Writing(kind)
    if kind.settled or not _is_sound(turns):
        texts, turns = split_system(turns)
        writing.take(Turn(Role.SYSTEM, (Text("\n\n".join(texts)),) if texts else ()))
        turns = settled(turns)
        if kind.settled and not turns:
            raise UnableError("first_turn")
    for turn in turns:
        writing.take(turn)
    return writing.finished()


def _is_sound(turns: Sequence[Turn]) -> bool:
    """Say whether the results of calls, all of them and no others, directly follow the calls."""
    waiting: set[str] = set()
    for turn in turns:
        calls: set[str] = set()
        words = False
        for part in turn.parts:
            match part:
                case Result():
                    if part.call_id not in waiting:
                        return False
                    waiting.remove(part.call_id)
                case Call():
                    calls.add(part.id)
                case Thinking():
                    pass
                case _:
                    words = True
        if waiting and (words or calls):
            return False
        waiting |= calls
    return not waiting


class _Writing:
    """Takes turn after turn."""

    __slots__ = ("_kind", "_media", "_messages")

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._messages: list[Message] = []
        self._media: list[Part] = []
        """What the results hold besides text: it waits for the user's next message."""

    def take(self, turn: Turn) -> None:
        if turn.role is Role.USER:
            self._ask(turn)
        elif turn.role is Role.ASSISTANT:
            self._answer(turn)
        elif turn.parts:
            self._say_media()
            self._add(turn, _content(turn.parts, self._kind))

    def finished(self) -> list[Message]:
        self._say_media()
        return self._messages

    def _ask(self, turn: Turn) -> None:
        words: list[Part] = []
        for part in turn.parts:
            if isinstance(part, Result):
                self._result(part)
            elif not isinstance(part, Thinking):
                words.append(part)
        if words:
            self._say([*self._media, *words] if self._media else words, turn)

    def _say_media(self) -> None:
        if self._media:
            self._say(self._media, Turn(Role.USER, ()))

    def _say(self, parts: Sequence[Part], turn: Turn) -> None:
        """Add a message of the user's; what waited for one is among the parts."""
        messages = self._messages
        if self._kind.settled and messages and messages[-1]["role"] == "tool":
            # Quirk: Mistral refuses a user right behind a tool.
            messages.append({"role": "assistant", "content": _BETWEEN})
        self._add(turn, _content(parts, self._kind))
        self._media = []

    def _answer(self, turn: Turn) -> None:
        kind = self._kind
        words: list[Part] = []
        calls: list[Message] = []
        for part in turn.parts:
            if isinstance(part, Call):
                signature = part.signature if kind.signatures else ""
                calls.append(write_call(part, self._id(part.id), signature))
            elif not isinstance(part, Thinking):
                words.append(part)
        if not words and not calls:
            return
        self._say_media()
        message = self._add(turn, _content(words, kind) if words else None)
        if kind.empty_reasoning:
            message["reasoning_content"] = ""
        if calls:
            message["tool_calls"] = calls

    def _result(self, result: Result) -> None:
        texts: list[str] = []
        media: list[Part] = []
        for part in result.parts:
            if isinstance(part, Text):
                texts.append(part.text)
            else:
                media.append(part)
        text = "\n\n".join(texts) or (_SEE_BELOW if media else "")
        if result.failed and not text.lower().startswith("error"):
            text = f"Error: {text}"
        call_id = self._id(result.call_id)
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
        self._media += media

    def _add(self, turn: Turn, content: object) -> Message:
        message: Message = {"role": turn.role, "content": content}
        if turn.name and "name" not in self._kind.lacks:
            message["name"] = turn.name
        self._messages.append(message)
        return message

    def _id(self, call_id: str) -> str:
        return fitting_id(call_id, self._kind.call_id_max, exact=self._kind.call_id_exact)


def _content(parts: Sequence[Part], kind: Kind) -> object:
    """Write a message's content: one string where that says it all, else a list."""
    if len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].cached:
        return parts[0].text
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) == len(parts):
        marked = kind.cache_marks and any(part.cached for part in texts)
        if (len(texts) == 1 and not marked) or not kind.text_parts:
            return "\n\n".join([part.text for part in texts])
    # An empty text beside others says nothing, and some servers refuse it.
    return [_part(part, kind) for part in parts if not (isinstance(part, Text) and not part.text)]


def _part(part: Part, kind: Kind) -> Message:
    match part:
        case Text():
            wire: Message = {"type": "text", "text": part.text}
            return {**wire, "cache_control": _MARK} if part.cached and kind.cache_marks else wire
        case Refusal() if kind.refusal_parts:
            return {"type": "refusal", "refusal": part.text}
        case Refusal():
            return {"type": "text", "text": part.text}
        case Image():
            return _image(part, kind)
        case Audio():
            return _audio(part, kind)
        case File():
            return _file(part, kind)
        case _:
            raise UnableError("video")


def _image(image: Image, kind: Kind) -> Message:
    if image.data:
        url = f"data:{image.media_type or 'image/png'};base64,{image.data}"
    elif kind.image_urls and image.url.startswith(("https://", "http://")):
        url = image.url
    else:
        raise UnableError("images")
    wire: Message = {"url": url}
    if image.detail:
        wire["detail"] = image.detail
    return {"type": "image_url", "image_url": wire}


def _audio(audio: Audio, kind: Kind) -> Message:
    form = _FORMATS.get(audio.media_type)
    if form is None or not kind.audio:
        raise UnableError("audio")
    return {"type": "input_audio", "input_audio": {"data": audio.data, "format": form}}


def _file(file: File, kind: Kind) -> Message:
    if not file.data or not kind.files:
        raise UnableError("files")
    wire: Message = {
        "filename": file.name or "document.pdf",
        "file_data": f"data:{file.media_type};base64,{file.data}",
    }
    return {"type": "file", "file": wire}
