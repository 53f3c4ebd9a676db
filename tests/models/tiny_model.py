"""Writes a language model of about a hundred tokens into a file that llama.cpp loads: a table of
what may follow a character, laid out as a transformer whose attention and feed-forward parts add
nothing. It has learnt nothing and means nothing; what it writes is held together by the grammar
that the server derives from a request, and that is what it is for.

Usage: tiny_model.py FILE
"""

import sys

import gguf
import numpy

# How a byte-level vocabulary spells the blanks.
SPELT = {"\t": "ĉ", "\n": "Ċ", " ": "Ġ"}
CHARACTERS = ["\t", "\n", " "] + [chr(code) for code in range(ord("!"), ord("~") + 1)]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>"]
TOKENS = CHARACTERS + CONTROL + MARKS
NUMBER = {token: number for number, token in enumerate(TOKENS)}

# The width must be a multiple of four for two heads with rotary positions.
WIDTH = (len(TOKENS) + 3) // 4 * 4
HEADS, BLOCKS, INNER = 2, 1, 32


def scores():
    """How much each token (row) wants to follow each token (column)."""
    follows = numpy.random.default_rng(20).normal(0.0, 0.6, (len(TOKENS), WIDTH))

    def after(token, following, score):
        follows[NUMBER[following], NUMBER[token]] += score

    def everywhere(following, score):
        follows[NUMBER[following], :] += score

    # Short strings without escapes, short lists that are not empty, small numbers, hardly a blank.
    everywhere('"', 4.5)
    everywhere("}", 3.0)
    everywhere("]", 3.5)
    everywhere(",", -2.0)
    everywhere("\\", -9.0)
    after("[", "]", -9.0)
    for digit in "0123456789":
        for other in "0123456789":
            after(digit, other, -2.0)
    for blank in SPELT:
        everywhere(blank, -7.0)
    for token in CONTROL + MARKS:
        everywhere(token, -14.0)
    # A turn begins with a call, where one is allowed, and ends behind it.
    after("\n", "<tool_call>", 45.0)
    after("<tool_call>", "\n", 45.0)
    after("}", "</tool_call>", 18.0)
    after("\n", "</tool_call>", 9.0)
    after("</tool_call>", "<|im_end|>", 45.0)
    after("}", "<|im_end|>", 9.0)
    return follows


def write(path):
    model = gguf.GGUFWriter(path, "llama")
    model.add_name("tiny")
    model.add_file_type(gguf.LlamaFileType.ALL_F32)
    model.add_vocab_size(len(TOKENS))
    model.add_context_length(1 << 17)
    model.add_embedding_length(WIDTH)
    model.add_block_count(BLOCKS)
    model.add_feed_forward_length(INNER)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_layer_norm_rms_eps(1e-6)

    kinds = {gguf.TokenType.NORMAL: CHARACTERS, gguf.TokenType.CONTROL: CONTROL, gguf.TokenType.USER_DEFINED: MARKS}
    model.add_tokenizer_model("gpt2")
    model.add_tokenizer_pre("gpt-2")
    model.add_token_list([SPELT.get(token, token) for token in TOKENS])
    model.add_token_types([kind for kind, tokens in kinds.items() for _ in tokens])
    # The format wants a merge; this one is never met.
    model.add_token_merges(["! !"])
    model.add_bos_token_id(NUMBER["<|endoftext|>"])
    model.add_eos_token_id(NUMBER["<|im_end|>"])
    model.add_add_bos_token(False)

    def tensor(name, values):
        model.add_tensor(name, numpy.ascontiguousarray(values, dtype=numpy.float32))

    # A token is its own direction. The norm before the output stretches it to this length.
    tensor("token_embd.weight", numpy.eye(len(TOKENS), WIDTH))
    tensor("output_norm.weight", numpy.ones(WIDTH))
    tensor("output.weight", scores() / numpy.sqrt(WIDTH))
    for block in range(BLOCKS):
        for norm in ("attn_norm", "ffn_norm"):
            tensor(f"blk.{block}.{norm}.weight", numpy.ones(WIDTH))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{block}.{part}.weight", numpy.zeros((WIDTH, WIDTH)))
        for part, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER))):
            tensor(f"blk.{block}.ffn_{part}.weight", numpy.zeros(shape))

    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


write(sys.argv[1])
