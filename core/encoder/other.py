"""Any other encoder of BERT's kind, through the transformers library, over texts of one length."""

from __future__ import annotations

import torch
from torch import Tensor

from core.encoder.attention import Packed
from core.encoder.card import ModelCard
from core.errors import CartscapeError


class Other:
    """A model of the transformers library: packed texts of equal length to one vector a token.

    Equal lengths need no mask, so that nothing is padded here either.
    """

    def __init__(self, card: ModelCard, device: str, dtype: torch.dtype) -> None:
        from transformers import AutoModel
        from transformers.utils import logging

        level = logging.get_verbosity()
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # a head that is not used may well be missing
        try:
            model = AutoModel.from_pretrained(str(card.folder), local_files_only=True, dtype=dtype)
        except Exception as error:  # transformers lets every kind of error through
            raise CartscapeError(
                f"The model in {card.folder} cannot be loaded ({error}); fetch the model again."
            ) from error
        finally:
            logging.set_verbosity(level)
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        self._model = model.to(device).eval()
        #: The layer that tokens are looked up in.
        self.embeddings: torch.nn.Module = model.get_input_embeddings()

    def __call__(self, packed: Packed) -> Tensor:
        """[tokens, dim] of packed texts of one length."""
        ids = packed.ids.view(len(packed.batch.rows), -1)
        states: Tensor = self._model(input_ids=ids).last_hidden_state
        return states.flatten(0, 1)
