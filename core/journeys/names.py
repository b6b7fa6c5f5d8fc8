"""Names of clusters: the words that set one apart, and when, where and how its paths go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse

#: What parts a text into phrases, and what a word is.
_PHRASE = re.compile(r"[.,;:()!?/|\n]+")
_WORD = re.compile(r"[^\W\d_][\w'-]+|&")
#: A phrase of so few words, such as a category, is a term as a whole.
SHORT = 4


def distinctive_words(
    texts: Sequence[str], counts: scipy.sparse.csr_matrix, most: int = 5
) -> list[list[str]]:
    """The words and short phrases that set each cluster apart: class-based TF-IDF.

    `counts` is [clusters, texts], how often a cluster's events are about each text. A term's score in a
    cluster is its share of the cluster's terms, less its share of all, times log(1 + mean terms a cluster ÷
    the term's count in all). Source: Grootendorst, "BERTopic: Neural topic modeling with a class-based
    TF-IDF procedure"; the share of all is taken off, as few clusters leave the logarithm little to tell.
    """
    if not len(texts) or not counts.sum():
        return [[] for _ in range(counts.shape[0])]
    from sklearn.feature_extraction.text import CountVectorizer  # here, for a quick start

    counter = CountVectorizer(analyzer=_terms, binary=True)
    try:
        terms_of = counter.fit_transform(texts)
    except ValueError:  # nothing but stop words
        return [[] for _ in range(counts.shape[0])]
    terms = counter.get_feature_names_out()
    of_cluster = np.asarray((counts @ terms_of).todense(), np.float64)
    total = of_cluster.sum(axis=1, keepdims=True)
    share = of_cluster / np.where(total > 0, total, 1)
    usual = of_cluster.sum(axis=0) / max(of_cluster.sum(), 1)
    score = np.maximum(share - usual, 0) * np.log1p(total.mean() / np.maximum(of_cluster.sum(axis=0), 1))
    out = []
    for row in score:
        best = np.argsort(-row, kind="stable")[: 8 * most]
        out.append(_apart([(str(terms[t]), float(row[t])) for t in best if row[t] > 0], most))
    return out


def _terms(text: str) -> list[str]:
    """The words of a text, pairs of them, and its short phrases, in lower case."""
    found: list[str] = []
    for phrase in _PHRASE.split(text.lower()):
        words = _WORD.findall(phrase)
        plain = [word for word in words if word != "&"]
        telling = [word for word in plain if word not in STOP]
        found += telling
        found += [f"{a} {b}" for a, b in pairwise(words) if {a, b} <= set(telling)]
        if telling and 1 < len(words) <= SHORT and words[0] != "&" and words[-1] != "&":
            found.append(" ".join(words))
    return found


def _apart(scored: list[tuple[str, float]], most: int) -> list[str]:
    """The best terms of which no two share a word: "running shoes" takes the place of "shoes"."""
    chosen: list[tuple[str, float]] = []
    for term, score in scored:
        words = _words(term)
        within = [i for i, (other, _) in enumerate(chosen) if words & _words(other)]
        if not within:
            if len(chosen) < most:
                chosen.append((term, score))
            continue
        fuller = all(_words(chosen[i][0]) <= words and len(chosen[i][0]) < len(term) for i in within)
        if fuller and score >= 0.5 * chosen[within[0]][1]:
            chosen[within[0]] = (term, chosen[within[0]][1])
            for i in reversed(within[1:]):
                chosen.pop(i)
    return [term for term, _ in chosen]


def _words(term: str) -> set[str]:
    return set(term.split()) - {"&"}


#: English words that say nothing of an item or a need.
STOP = frozenset(
    re.findall(
        r"\S+",
        """a about above after again all also an and any are as at be because been before being below between
        both but by can could did do does doing down during each few for from further had has have having he
        her here hers him his how i if in into is it its itself just me more most my no nor not of off on once
        only or other our ours out over own same she should so some such than that the their them then there
        these they this those through to too under until up very was we were what when where which while who
        whom why will with would you your yours set pack one two three new made size best great""",
    )
)
