"""Which words of an item's text speak for it?"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import ItemWords, of_model, of_whole_log, read_item
from core.journeys.kept_maps import texts_of
from core.recommender.models import open_model
from core.recommender.moment import code_of
from core.scope import Scope
from core.store import Store

#: Words that are told one by one; the others are told together.
MOST_WORDS = 12
OTHERS = "(other words)"
#: What is left where no word says anything.
NO_WORDS = "(a text that says nothing)"
SILENT = "Its words say nothing here: there is nothing done or looked for that the model holds them against."
#: That may stand before or after a word.
SIGNS = ".,;:!?()[]\"'|"


def why_words(store: Store, scope: Scope, options: ItemWords) -> Answer:
    """What each word of an item's text adds to its score for what is asked, as `recommended` reads it.

    Columns: word (as it stands first, whatever its case), start (its first letter's place in the text, null
    for OTHERS and NO_WORDS), times, adds (to the score, all times together). The MOST_WORDS strongest in the
    order of the text, then all others together; on shared data words of a description or a review are among
    the others. The last row, NO_WORDS, is what a text that says nothing would add against usual words; all
    rows sum to adds_words of `recommended`. It stands alone where words have nothing to be held against.
    """
    from core.recommender.word_shares import word_shares  # PyTorch takes seconds to import

    of_whole_log(scope)
    model = open_model(store)
    asked, item = read_item(options)
    found = word_shares(store, model, asked, item)
    label = str(texts_of(store).labels[int(texts_of(store).of_item[code_of(model.codes, item)])])
    told: dict[str, dict[str, Any]] = {}
    others = 0.0
    for word in found.words:
        name = word.text.strip(SIGNS) or word.text
        if store.k > 1 and word.start >= len(label):
            others += word.share
            continue
        row = told.setdefault(name.casefold(), {"word": name, "start": word.start, "times": 0, "adds": 0.0})
        row["times"], row["adds"] = row["times"] + 1, row["adds"] + word.share
    strongest = sorted(told.values(), key=lambda row: -abs(row["adds"]))
    rows = sorted(strongest[:MOST_WORDS], key=lambda row: row["start"])
    others += sum(row["adds"] for row in strongest[MOST_WORDS:])
    if others:
        rows.append({"word": OTHERS, "start": None, "times": None, "adds": others})
    nothing = found.worth - sum(word.share for word in found.words)
    rows.append({"word": NO_WORDS, "start": None, "times": None, "adds": nothing})
    schema = pa.schema(
        [("word", pa.string()), ("start", pa.int64()), ("times", pa.int64()), ("adds", pa.float64())]
    )
    of = (
        f"{of_model(model, asked)}; all its words add {found.worth:+.2f} to the score, a text that says "
        f"nothing {nothing:+.2f} (integrated gradients of the Shapley value)"
    )
    notes = () if found.words else (SILENT,)
    return Answer(pa.Table.from_pylist(rows, schema), "Words that speak for it", of, notes)
