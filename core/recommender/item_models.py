"""How much items speak for each other: matrices of items by items, and how they are kept small."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.linalg
import scipy.sparse

#: Of more items than this no dense matrix of items by items is made; then the neighbours of each serve.
MOST_DENSE = 6_000
NEIGHBOURS = 100

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
    factor = scipy.linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
    inverse = scipy.linalg.cho_solve(
        factor, np.eye(len(gram), dtype=np.float32), overwrite_b=True, check_finite=False
    )
    weights = np.ascontiguousarray(-inverse / np.diag(inverse), np.float32)  # rows are what is read
    np.fill_diagonal(weights, 0)
    return weights


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
