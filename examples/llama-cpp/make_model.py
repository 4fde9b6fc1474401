"""Writes a small llama model with random weights: a real model for a real engine, with no download.

    python3 make_model.py tiny.gguf
    python3 make_model.py slow.gguf --dim 256 --layers 6

It talks nonsense, but it costs what a model of its size costs, and the same seed gives the same
file. `--dim` and `--layers` make it larger, and so slower.

A random model would also emit broken UTF-8 and stop whenever it likes. Two things prevent that:

- The vocabulary is words of two or three syllables. They and nothing else are likely.
- "Likely" is built into the weights. Dimension 0 of the hidden state starts at the same value for
  each token, and no layer writes to it. So column 0 of the output matrix adds a fixed number to
  the score of each token: zero for a word, far below zero for raw bytes and control tokens. The end
  token is among the latter: the model goes on until it has as many tokens as it was asked for.
"""

import argparse
from itertools import product

import gguf
import numpy as np

HEADS = 4
KEY_VALUE_HEADS = 2
CONTEXT = 8192

SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va".split()
CONTROL_TOKENS = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
BEGIN, END = 0, 1

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

# The constant in dimension 0 before normalisation, and the scores that it gives.
CONSTANT = 8.0
UNLIKELY = -5.0


def byte_symbols():
    """The 256 bytes as the printable characters by which byte-level tokenizers write them."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    replacements = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(replacements)) for byte in range(256)]


class Vocabulary:
    """Tokens, and the merges by which text becomes these tokens."""

    def __init__(self):
        self.symbols = byte_symbols()
        self.tokens = CONTROL_TOKENS + self.symbols
        self.merges = []
        self.words = []
        space = self.symbols[ord(" ")]
        for consonant, vowel in SYLLABLES:
            self.merge(consonant, vowel)
        # A word carries the space before it: " ba" + "ce" is " bace", + "di" is " bacedi".
        for syllable in SYLLABLES:
            self.merge(space, syllable)
        for count in (2, 3):
            for *start, last in product(SYLLABLES, repeat=count):
                self.words.append(self.merge(space + "".join(start), last))

    def merge(self, left, right):
        """Adds the token that joins these two, and returns its number."""
        self.merges.append(f"{left} {right}")
        self.tokens.append(left + right)
        return len(self.tokens) - 1

    def types(self):
        control = [gguf.TokenType.CONTROL] * len(CONTROL_TOKENS)
        return control + [gguf.TokenType.NORMAL] * (len(self.tokens) - len(control))


def write_description(writer, vocabulary, dim, layers):
    writer.add_name("tiny-random")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(dim)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * dim)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_dimension_count(dim // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types())
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_weights(writer, vocabulary, dim, layers, seed):
    random = np.random.default_rng(seed)
    size = len(vocabulary.tokens)
    keys = dim // HEADS * KEY_VALUE_HEADS

    def matrix(rows, columns, scale):
        # f32 on purpose: numpy's own f64 is not a weight type that engines read.
        return random.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale)

    def layer_matrix(name, rows, columns, writes_hidden_state=False):
        weights = matrix(rows, columns, columns**-0.5)
        if writes_hidden_state:
            weights[0, :] = 0.0  # keeps dimension 0 constant
        writer.add_tensor(name, weights)

    embedding = matrix(size, dim, 1.0)
    embedding[:, 0] = CONSTANT
    writer.add_tensor("token_embd.weight", embedding)

    ones = np.ones(dim, dtype=np.float32)
    for layer in range(layers):
        name = f"blk.{layer}."
        writer.add_tensor(name + "attn_norm.weight", ones)
        layer_matrix(name + "attn_q.weight", dim, dim)
        layer_matrix(name + "attn_k.weight", keys, dim)
        layer_matrix(name + "attn_v.weight", keys, dim)
        layer_matrix(name + "attn_output.weight", dim, dim, writes_hidden_state=True)
        writer.add_tensor(name + "ffn_norm.weight", ones)
        layer_matrix(name + "ffn_gate.weight", 2 * dim, dim)
        layer_matrix(name + "ffn_up.weight", 2 * dim, dim)
        layer_matrix(name + "ffn_down.weight", dim, 2 * dim, writes_hidden_state=True)

    writer.add_tensor("output_norm.weight", ones)
    output = matrix(size, dim, 0.3)
    output[:, 0] = UNLIKELY
    output[vocabulary.words, 0] = 0.0
    writer.add_tensor("output.weight", output)


def arguments():
    parser = argparse.ArgumentParser(description="Write a small llama model with random weights.")
    parser.add_argument("file", help="the GGUF file to write")
    parser.add_argument("--dim", type=int, default=64, help="width of the model, a multiple of 8")
    parser.add_argument("--layers", type=int, default=4, help="number of layers")
    parser.add_argument("--seed", type=int, default=1, help="seed of the weights")
    given = parser.parse_args()
    if given.dim < 8 or given.dim % (2 * HEADS):
        parser.error(f"--dim must be a multiple of {2 * HEADS}")
    if given.layers < 1:
        parser.error("--layers must be at least 1")
    return given


def main():
    given = arguments()
    vocabulary = Vocabulary()
    writer = gguf.GGUFWriter(given.file, "llama")
    write_description(writer, vocabulary, given.dim, given.layers)
    write_weights(writer, vocabulary, given.dim, given.layers, given.seed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{given.file}: {given.layers} layers of {given.dim}, {len(vocabulary.tokens)} tokens")


if __name__ == "__main__":
    main()
