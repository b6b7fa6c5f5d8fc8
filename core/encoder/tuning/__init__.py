"""Fine-tuning an encoder on what shoppers did: texts of behaviour in, what followed as label."""

from core.encoder.tuning.data import Pairs, TuningData
from core.encoder.tuning.options import METHODS, NOTES, CompressOptions, SearchOptions, TuneOptions

__all__ = ["METHODS", "NOTES", "CompressOptions", "Pairs", "SearchOptions", "TuneOptions", "TuningData"]
