"""SQL that turns one raw column, text or typed, into one contract value.

Every function takes a `Column` and returns a `Value`: the parsed expression, null where there is
nothing or nothing readable, and the condition under which the source held something at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

#: Texts that mean "nothing", in lower case.
NOTHING = ("", "nan", "null", "none", "n/a", "\\n", "<null>", "nat")
_NOTHING = pa.array(NOTHING, pa.string())

#: Of one piece; more does not fit the contract's decimal.
_PRICE = "DECIMAL(18, 4)"


@dataclass(frozen=True)
class Column:
    """A raw column as an SQL expression over `raw` (see `with_clean`), with its Arrow type."""

    sql: str
    type: pa.DataType
    cleaned: bool = False  # text that is trimmed already, and null where it says nothing

    @classmethod
    def named(cls, name: str, schema: pa.Schema) -> Column:
        """The column of a raw table."""
        kind = schema.field(name).type
        if is_text(kind):
            return cls(quoted(_CLEAN + name), kind, cleaned=True)
        return cls(quoted(name), kind)

    @property
    def is_text(self) -> bool:
        """Whether values are text that still has to be parsed."""
        return is_text(self.type)

    @property
    def is_list(self) -> bool:
        """Whether values are lists."""
        return pa.types.is_list(self.type) or pa.types.is_large_list(self.type)


@dataclass(frozen=True)
class Value:
    """A parsed expression; `given` is true where the source held something to parse."""

    sql: str
    given: str = "FALSE"


ABSENT = Value("NULL")


#: Set before a text column's name for its cleaned twin; names in a file never start with a space.
_CLEAN = " "


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def with_clean(table: pa.Table) -> pa.Table:
    """The table with a cleaned twin of each text column: trimmed, and null where it says nothing.

    In Arrow rather than in SQL, which takes twenty times as long for it.
    """
    for name, kind in zip(table.schema.names, table.schema.types, strict=True):
        if is_text(kind):
            trimmed = pc.utf8_trim_whitespace(table.column(name))
            nothing = pc.is_in(pc.ascii_lower(trimmed), _NOTHING)
            if pc.any(nothing).as_py():
                trimmed = pc.if_else(nothing, pa.scalar(None, trimmed.type), trimmed)
            table = table.append_column(_CLEAN + name, trimmed)
    return table


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL text literal, for the few places where SQL takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def text(column: Column) -> str:
    """Trimmed text, null where it says nothing."""
    if column.cleaned:
        return column.sql
    if column.is_text:
        nothing = ", ".join(literal(word) for word in NOTHING)
        bare = f"trim({column.sql})"
        return f"(CASE WHEN NOT list_contains([{nothing}], lower({bare})) THEN {bare} END)"
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        # Ids that passed through a float column, as 13085.0.
        return (
            f"(CASE WHEN isfinite({column.sql}::DOUBLE) AND {column.sql} = trunc({column.sql}) "
            f"THEN {column.sql}::HUGEINT::VARCHAR "
            f"WHEN NOT isnan({column.sql}::DOUBLE) THEN {column.sql}::VARCHAR END)"
        )
    return f"({column.sql}::VARCHAR)"


def identifier(column: Column) -> str:
    """An id as text: trimmed, and 13085.0 is 13085."""
    plain = text(column)
    if not column.is_text:
        return plain
    whole = f"regexp_replace({plain}, '^([0-9]+)\\.0$', '\\1')"
    return f"(CASE WHEN ends_with({plain}, '.0') THEN {whole} ELSE {plain} END)"


def decimal(column: Column) -> Value:
    """An amount. Beside plain numbers: 1,234.50, 1.234,50, 12,50 and a currency sign."""
    if not column.is_text:
        given = f"{column.sql} IS NOT NULL"
        if pa.types.is_floating(column.type):
            given += f" AND NOT isnan({column.sql})"
        return Value(f"TRY_CAST({column.sql} AS {_PRICE})", given)
    plain = text(column)
    bare = f"regexp_replace({plain}, '[\\s$€£¥₹]|^[A-Z]{{3}}|[A-Z]{{3}}$|R\\$', '', 'g')"
    loose = (
        f"CASE WHEN regexp_full_match({bare}, '[-+]?\\d{{1,3}}(,\\d{{3}})+(\\.\\d+)?') "
        f"THEN replace({bare}, ',', '') "
        f"WHEN regexp_full_match({bare}, '[-+]?\\d{{1,3}}(\\.\\d{{3}})+,\\d+') "
        f"THEN replace(replace({bare}, '.', ''), ',', '.') "
        f"WHEN regexp_full_match({bare}, '[-+]?\\d+,\\d{{1,2}}') THEN replace({bare}, ',', '.') "
        f"ELSE {bare} END"
    )
    return Value(
        f"COALESCE(TRY_CAST({plain} AS {_PRICE}), TRY_CAST({loose} AS {_PRICE}))", f"{plain} IS NOT NULL"
    )


def integer(column: Column) -> Value:
    """A whole number; 2.0 is 2, while 2.5 is unreadable."""
    if pa.types.is_integer(column.type):
        return Value(f"TRY_CAST({column.sql} AS BIGINT)", f"{column.sql} IS NOT NULL")
    amount = decimal(column)
    return Value(
        f"(CASE WHEN {amount.sql} = trunc({amount.sql}) THEN TRY_CAST({amount.sql} AS BIGINT) END)",
        amount.given,
    )


def degrees(column: Column) -> Value:
    """A coordinate in degrees, decimal point or comma."""
    if not column.is_text:
        number = f"{column.sql}::DOUBLE"
        return Value(
            f"(CASE WHEN NOT isnan({number}) THEN {number} END)",
            f"{column.sql} IS NOT NULL AND NOT isnan({number})",
        )
    plain = text(column)
    return Value(
        f"COALESCE(TRY_CAST({plain} AS DOUBLE), TRY_CAST(replace({plain}, ',', '.') AS DOUBLE))",
        f"{plain} IS NOT NULL",
    )


def texts(column: Column) -> str:
    """A list of texts: a list column, a JSON array, or a text joined with | or commas."""
    if column.is_list:
        return f"({column.sql}::VARCHAR[])"
    plain = text(column)
    return (
        f"(CASE WHEN starts_with({plain}, '[') AND json_valid({plain}) "
        f"THEN from_json({plain}, '[\"VARCHAR\"]') "
        f"WHEN contains({plain}, '|') THEN string_split({plain}, '|') "
        f"ELSE list_transform(string_split({plain}, ','), lambda part: trim(part)) END)"
    )


def numbers(column: Column) -> str:
    """A list of numbers, as `texts` reads it; null for one that cannot be read."""
    return f"list_transform({texts(column)}, lambda part: TRY_CAST(part AS DOUBLE))"
