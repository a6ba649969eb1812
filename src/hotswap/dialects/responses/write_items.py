"""Neutral turns, written as the input of the Responses dialect."""

from collections.abc import Sequence
from typing import Final

from ..api import UnableError
from ..neutral import Call, File, Image, Part, Refusal, Result, Role, Text, Thinking, Turn
from ..openai.ids import fitting_id
from ..openai.kinds import Kind
from ..turns import settled

Item = dict[str, object]

_CALL_ID_MAX: Final = 64
_SHORT_CALL_ID: Final = 40
"""Characters of the id that stands for a longer one."""
_FAILED: Final = "Error: "
"""What tells the result of a tool that failed."""


def write_items(turns: Sequence[Turn], kind: Kind) -> list[Item]:
    """Write a conversation as servers of `kind` take it; raises `UnableError`.

    Every call has its result. Thinking is left out, and turns that hold nothing else.
    """
    if not _is_answered(turns):
        turns = settled(turns, inline_system=True)
    items: list[Item] = []
    for turn in turns:
        words: list[Part] = []
        for part in turn.parts:
            if isinstance(part, Call | Result):
                _say(turn.role, words, items, kind)
                words = []
                items.append(_call(part) if isinstance(part, Call) else _result(part, kind))
            elif not (isinstance(part, Thinking) or (isinstance(part, Text) and not part.text)):
                words.append(part)
        _say(turn.role, words, items, kind)
    return items


def _is_answered(turns: Sequence[Turn]) -> bool:
    """Say whether all calls have a result, and all results a call before them."""
    waiting: set[str] = set()
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, Call):
                waiting.add(part.id)
            elif isinstance(part, Result):
                if part.call_id not in waiting:
                    return False
                waiting.remove(part.call_id)
    return not waiting


def _say(role: Role, words: Sequence[Part], items: list[Item], kind: Kind) -> None:
    """Add a message, if there is anything to say."""
    if not words:
        return
    if role is not Role.ASSISTANT:
        content = [_part(part, kind) for part in words]
        items.append({"type": "message", "role": role.value, "content": content})
        return
    items.append(
        {
            "type": "message",
            "id": f"msg_{len(items)}",
            "status": "completed",
            "role": role.value,
            "content": [_said(part) for part in words],
        }
    )


def _said(part: Part) -> Item:
    """Write what the assistant said."""
    match part:
        case Text(text=text):
            return {"type": "output_text", "text": text, "annotations": ()}
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text}
        case Image():
            raise UnableError("images")
        case File():
            raise UnableError("files")
        case _:
            raise UnableError("audio")


def _part(part: Part, kind: Kind) -> Item:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "input_text", "text": text}
        case Image():
            return _image(part, kind)
        case File():
            return _file(part)
        case _:
            # The API takes neither sounds nor films.
            raise UnableError("audio")


def _image(image: Image, kind: Kind) -> Item:
    if image.data:
        url = f"data:{image.media_type or 'image/png'};base64,{image.data}"
    elif kind.image_urls and image.url.startswith(("https://", "http://")):
        url = image.url
    else:
        raise UnableError("images")
    return {"type": "input_image", "image_url": url, "detail": image.detail or "auto"}


def _file(file: File) -> Item:
    if file.data:
        data = f"data:{file.media_type};base64,{file.data}"
        return {
            "type": "input_file",
            "filename": file.name or "document.pdf",
            "file_data": data,
        }
    if file.url.startswith(("https://", "http://")):
        return {"type": "input_file", "file_url": file.url}
    raise UnableError("files")


def _call(call: Call) -> Item:
    return {
        "type": "function_call",
        "call_id": _wire_id(call.id),
        "name": call.name,
        "arguments": call.arguments,
    }


def _result(result: Result, kind: Kind) -> Item:
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    text = "\n\n".join(texts)
    mark = _FAILED if result.failed and not text.lower().startswith("error") else ""
    output: object = mark + text
    if len(texts) < len(result.parts):
        parts = [Text(mark), *result.parts]
        said = [part for part in parts if not (isinstance(part, Text) and not part.text)]
        output = [_part(part, kind) for part in said]
    return {
        "type": "function_call_output",
        "call_id": _wire_id(result.call_id),
        "output": output,
    }


def _wire_id(call_id: str) -> str:
    if len(call_id) <= _CALL_ID_MAX:
        return call_id
    return fitting_id(call_id, _SHORT_CALL_ID, exact=False)
