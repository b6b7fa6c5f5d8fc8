"""Text to vectors: BERT, batching, and the cache of vectors."""

from core.encoder.card import ModelCard
from core.encoder.encoder import Encoder, open_encoder
from core.encoder.vectors import EncodeReport, Vectors, open_vectors, said_of_caches

__all__ = [
    "EncodeReport",
    "Encoder",
    "ModelCard",
    "Vectors",
    "open_encoder",
    "open_vectors",
    "said_of_caches",
]
