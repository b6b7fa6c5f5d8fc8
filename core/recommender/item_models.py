"""How much items speak for each other: matrices of items by items, and how they are kept small."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.sparse
from scipy.linalg import lapack

#: Of more items than this no dense matrix of items by items is made; then the neighbours of each serve.
MOST_DENSE = 6_000
NEIGHBOURS = 100
#: Rows and columns that are mirrored at a time, few enough for the processor's cache.
_TILE = 256

Matrix: TypeAlias = np.ndarray | scipy.sparse.csr_matrix


def alike(taken: scipy.sparse.csr_matrix, penalty: float) -> Matrix:
    """How much each item that was taken speaks for each other: `ease_matrix`, and for more than MOST_DENSE
    items the cosines of NEIGHBOURS each (item-kNN).
    """
    if taken.shape[1] <= MOST_DENSE:
        return ease_matrix(taken, penalty)
    both = (taken.T @ taken).tocsr().astype(np.float32)
    both.setdiag(0)
    both.eliminate_zeros()
    size = np.sqrt(np.asarray(taken.sum(axis=0)).ravel()) + 1e-9
    return strongest(scaled(both, 1 / size, 1 / size), NEIGHBOURS)


def ease_matrix(taken: scipy.sparse.csr_matrix, penalty: float) -> np.ndarray:
    """The closed form of a linear model of items by items without itself: float32[items, items].

    Source: Steck, "Embarrassingly shallow autoencoders for sparse data". Takes 8 bytes × items².
    """
    gram = np.asarray((taken.T @ taken).todense(), np.float32)
    gram[np.diag_indices_from(gram)] += penalty
    weights = _inverse(gram)
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0)
    return weights


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric positive definite float32[n, n], in its place: from its triangular factor,
    which takes less than half of solving for the identity.
    """
    # LAPACK reads columns first: its lower triangle is the upper one here.
    factor, failed = lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    inverse, singular = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or singular:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    found = np.asarray(inverse.T, np.float32)
    for low in range(0, len(found), _TILE):
        tile = slice(low, low + _TILE)
        found[tile, :low] = found[:low, tile].T
        found[tile, tile] = np.triu(found[tile, tile]) + np.triu(found[tile, tile], 1).T
    return found


def strongest(matrix: scipy.sparse.csr_matrix, most: int) -> scipy.sparse.csr_matrix:
    """The `most` largest entries of each row, the first of equals."""
    matrix = matrix.tocsr()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    place = np.arange(order.size) - matrix.indptr[rows[order]]
    kept = order[place < most]
    return scipy.sparse.csr_matrix((matrix.data[kept], (rows[kept], matrix.indices[kept])), matrix.shape)


def counted(
    row: np.ndarray, column: np.ndarray, shape: tuple[int, int], value: np.ndarray | None = None
) -> scipy.sparse.csr_matrix:
    """How often each pair comes up, or the sum of its values: float32; indices ascend."""
    value = np.ones(row.size, np.float32) if value is None else value
    return scipy.sparse.csr_matrix((value, (row, column)), shape, dtype=np.float32)


def entries(indices: np.ndarray, values: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The values of some items in a sparse row with ascending indices, 0 for none: float32[items]."""
    if not indices.size:
        return np.zeros(items.size, np.float32)
    place = np.searchsorted(indices, items).clip(0, indices.size - 1)
    return np.where(indices[place] == items, values[place], np.float32(0))


def ones(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """The matrix with every entry 1."""
    out = matrix.copy()
    out.data[:] = 1
    return out


def shared(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """The matrix with each row divided by the root of its entries."""
    size = np.maximum(np.diff(matrix.indptr), 1)
    return scaled(matrix, 1 / np.sqrt(size), np.ones(matrix.shape[1]))


def scaled(matrix: scipy.sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> scipy.sparse.csr_matrix:
    """The matrix with each entry times its row's and its column's factor."""
    matrix = matrix.tocsr()
    at = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    values = matrix.data * rows[at] * columns[matrix.indices]
    return scipy.sparse.csr_matrix((values.astype(np.float32), matrix.indices, matrix.indptr), matrix.shape)


def strongest_in_rows(values: np.ndarray, among: np.ndarray, most: int) -> np.ndarray:
    """Which are the `most` largest of each row, of equals the first: bool[rows, n], of bool[rows, n] of which
    each row has more.
    """
    n = values.shape[1]
    # Others lie below all and no two are equal, as equal values are slow to part.
    its = np.where(among, values, -2 - np.arange(n, dtype=np.float32))
    least = np.partition(its, n - most, axis=1)[:, [n - most]]
    above, ties = its > least, its == least
    room = most - np.count_nonzero(above, axis=1)
    for row in np.flatnonzero(np.count_nonzero(ties, axis=1) > room):
        ties[row, np.flatnonzero(ties[row])[room[row] :]] = False
    return np.asarray(above | ties)


def strongest_of(values: np.ndarray, most: int, codes: np.ndarray | None = None) -> np.ndarray:
    """The places of the `most` largest of float[n], ascending; of equals the first, or those of the lowest
    `codes`.
    """
    if values.size <= most:
        return np.arange(values.size)
    least = np.partition(values, values.size - most)[values.size - most]
    above, ties = np.flatnonzero(values > least), np.flatnonzero(values == least)
    if codes is not None:
        ties = ties[np.argsort(codes[ties], kind="stable")]
    return np.sort(np.r_[above, ties[: most - above.size]])
