"""Which words of an item's text speak for it?"""

from __future__ import annotations

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.recommended import ItemWords, of_model, of_whole_log, read_item
from core.journeys.kept_maps import texts_of
from core.recommender.models import open_model
from core.recommender.moment import code_of
from core.recommender.word_shares import word_shares
from core.scope import Scope
from core.store import Store

#: Words that are told one by one; the others are told together.
MOST_WORDS = 12
OTHERS = "(other words)"
#: That may stand before or after a word.
SIGNS = ".,;:!?()[]\"'|"


def why_words(store: Store, scope: Scope, options: ItemWords) -> Answer:
    """What each word of an item's text adds to its score for what is asked, as `recommended` reads it.

    Columns: word (as it stands in the text; the same word at two places is two rows), start (letter of the
    text, null for OTHERS), adds (to the score). The MOST_WORDS strongest in the order of the text, then all
    others together; on shared data words of a description or a review are among the others.
    """
    of_whole_log(scope)
    model = open_model(store)
    asked, item = read_item(options)
    found = word_shares(store, model, asked, item)
    label = str(texts_of(store).labels[int(texts_of(store).of_item[code_of(model.codes, item)])])
    may = [store.k == 1 or word.start < len(label) for word in found.words]
    strongest = sorted(
        (at for at, ok in enumerate(may) if ok), key=lambda at: -abs(found.words[at].share)
    )[:MOST_WORDS]  # fmt: skip
    rows = [
        {"word": (w := found.words[at]).text.strip(SIGNS) or w.text, "start": w.start, "adds": w.share}
        for at in sorted(strongest)
    ]
    others = [word.share for at, word in enumerate(found.words) if at not in strongest]
    if others:
        rows.append({"word": OTHERS, "start": None, "adds": sum(others)})
    schema = pa.schema({"word": pa.string(), "start": pa.int64(), "adds": pa.float64()})
    of = (
        f"{of_model(model, asked)}; {found.nothing:+.2f} without a word, {found.worth:+.2f} with all "
        "(integrated gradients)"
    )
    return Answer(pa.Table.from_pylist(rows, schema), "Words that speak for it", of, ())
