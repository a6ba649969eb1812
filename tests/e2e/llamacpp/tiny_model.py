"""Makes a language model of half a megabyte that llama.cpp loads in milliseconds.

Its weights are random, so it babbles; what it babbles are words, and it never ends by itself.
"""

from pathlib import Path
from typing import Final

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH: Final = 64
LAYERS: Final = 2
HEADS: Final = 4
INNER: Final = 128
CONTEXT: Final = 8192

WORDS: Final = tuple(f"{a}{b}" for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai"))
"""More than twice the 40 candidates that llama.cpp samples from by default."""
BEGIN, END, UNKNOWN = 0, 1, 2
_SPECIAL: Final = ("<s>", "</s>", "<unk>")
_BYTES: Final = tuple(f"<0x{byte:02X}>" for byte in range(256))
_TEMPLATE: Final = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def write_model(path: Path) -> None:
    """Write a model of llama's architecture; the same bytes each time."""
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_vocabulary(writer)
    _add_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: GGUFWriter) -> None:
    """Add one token per byte, so that every prompt can be read, and the words."""
    words = [f"\N{LOWER ONE EIGHTH BLOCK}{word}" for word in WORDS]
    kinds = [TokenType.CONTROL, TokenType.CONTROL, TokenType.UNKNOWN]
    kinds += [TokenType.BYTE] * len(_BYTES) + [TokenType.NORMAL] * len(words)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*_SPECIAL, *_BYTES, *words])
    writer.add_token_scores([0.0] * len(kinds))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_add_space_prefix(False)  # noqa: FBT003 - the library's signature
    writer.add_chat_template(_TEMPLATE)


def _add_weights(writer: GGUFWriter) -> None:
    random = np.random.default_rng(1)

    def add(name: str, *shape: int) -> None:
        weights = random.normal(0.0, 0.2, shape)
        writer.add_tensor(f"{name}.weight", weights.astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    mute = len(_SPECIAL) + len(_BYTES)
    output = random.normal(0.0, 1.0, (mute + len(WORDS), WIDTH))
    # Bytes and the end get the logit 0. Among the 84 words, half of which lie above that, the
    # 40 best are sampled from: nothing else is ever said, and the answer is never over.
    output[:mute] = 0.0
    writer.add_tensor("output.weight", output.astype(np.float32))
    add("token_embd", mute + len(WORDS), WIDTH)
    add_norm("output_norm")
    for block in (f"blk.{number}" for number in range(LAYERS)):
        add_norm(f"{block}.attn_norm")
        add_norm(f"{block}.ffn_norm")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{part}", WIDTH, WIDTH)
        add(f"{block}.ffn_gate", INNER, WIDTH)
        add(f"{block}.ffn_up", INNER, WIDTH)
        add(f"{block}.ffn_down", WIDTH, INNER)
