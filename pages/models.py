"""Models: which one serves, how good is it, since when, and who changed what?

A product manager, and a demo lead before stakeholders, ask
1. which model is in use, since when, how good, and what changed last → the line at the top;
2. what is it, what must it not be used for → its card, which prints (Export page), and how it learnt;
3. is another one better → versions side by side; promote one, roll back or delete, with a reason;
4. whom does it show, and whom does it serve → shares of each group, and what parity costs;
5. what do people say over it → rules: the list, and a form to add, change, switch and delete them;
6. who changed what, when and why → the audit list;
7. what does tuning the encoder bring → its runs beside each other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.analyses import Answer
from core.analyses.model_card import disk_space
from core.charts.models import curve
from core.recommender.versions import before, bytes_of, promoted, versions
from core.scope import Scope
from pages.parts import ask, changes, page, rule_editor, state, states, tables, train_button, tunings
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.fairness import fairness

#: Sections of a card, as people call them.
SECTIONS = {
    "use": "In use", "data": "Data", "quality": "How good it is", "settings": "Settings",
    "limits": "What it is not for, and does not know",
}  # fmt: skip
SIDES = (("use", "quality", "data"), ("limits", "settings"))


def main() -> None:
    """Draw the page."""
    page.toolbar("Models", None, choose_measure=False)
    numbers = [version.number for version in versions(ask.store())]
    if numbers:
        _headline()
        number = _choice(numbers)
        _card(number)
        answer = ask.ask("model-curve", Scope(), number=number)
        if answer.table.num_rows:
            left, right = st.columns(2, gap="small")
            with left:
                _curve(number, answer)
            with right:
                _compared()
        else:
            states.notice(states.plain(" ".join(answer.notes)), ":material/show_chart:")
            _compared()
        _promotion(int(number))
        if not _orders_lists():
            fairness()
    else:
        train_button.offer()
    if not (numbers and _orders_lists()):  # what is given is put in order, whatever people say
        _rules()
        rule_editor.editor()
    _audit()
    tunings.show()
    if numbers:
        train_button.offer(again=True)


def _orders_lists() -> bool:
    """Whether the version in use puts lists in order, and recommends nothing."""
    now = promoted(ask.store())
    return any(version.orders_lists for version in versions(ask.store()) if version.number == now)


def _headline() -> None:
    """Which one serves, how good, since when, and what changed last: the answer of five seconds."""
    now = promoted(ask.store())
    if now is None:
        states.notice("No version is in use, so that nothing is recommended. Promote one below.")
        return
    for row in ask.ask("models", Scope()).table.to_pylist():
        if row["promoted"] and row["problem"]:
            states.notice(states.plain(row["problem"]), ":material/error:")
    card = {(row["section"], row["name"]): row for row in ask.ask("model-card", Scope()).table.to_pylist()}
    use, since = card["use", "Gives the chance of"], card["use", "In use since"]
    told = [
        ("In use", f"Version {card['use', 'Version']['value']}", use["value"]),
        ("Since", since["value"], since["note"]),
    ]
    measured = [(name, card.get(("quality", name))) for name in ("NDCG@10", "HR@10", "MRR")]
    told += [
        (name, row["value"], row["note"] or "of the last days held out") for name, row in measured if row
    ]
    told = told[:4]
    if not _orders_lists():
        written, _, on = ask.ask("rules", Scope()).of.partition(", ")
        told.append(("Rules", on, written))
    for row in ask.ask("audit", Scope()).table.slice(0, 1).to_pylist():
        by = f"by {row['by']}" if row["by"] else "nobody said by whom"
        told.append(("Last change", f"{row['what']}: {row['name']}", f"{row['moment']}, {by}"))
    with st.container(border=True, key="frame_headline"):
        for column, (label, value, about) in zip(st.columns(len(told), gap="small"), told, strict=True):
            words = [states.plain(word) for word in (label, value, about)]
            column.markdown(f":small[{words[0]}]  \n**{words[1]}**  \n:small[{words[2]}]")


def _choice(numbers: list[int]) -> str:
    """Which version the card and the curve are of, kept in the address; "" is the one in use."""
    now, offered = promoted(ask.store()), [str(number) for number in numbers]
    chosen = state.text("model") if state.text("model") in offered else str(now or numbers[0])
    st.session_state["model_choice"] = chosen
    st.selectbox(
        "Version", offered, key="model_choice", width=240, label_visibility="collapsed",
        format_func=lambda number: f"Version {number}" + (", in use" if number == str(now) else ""),
        on_change=lambda: state.set_text("model", st.session_state["model_choice"]),
    )  # fmt: skip
    return chosen


def _card(number: str) -> None:
    answer = ask.ask("model-card", Scope(), number=number)

    def draw() -> None:
        rows = answer.table.to_pylist()
        for column, sections in zip(st.columns(2, gap="medium"), SIDES, strict=True):
            for section in sections:
                lines = "\n".join(_line(row) for row in rows if row["section"] == section)
                column.markdown(f"| {SECTIONS[section]} | |\n|:--|:--|\n{lines}")

    frame(
        "model_card", answer, ask.command("model-card", Scope(), number=number), draw, Export(),
        hint="Export page gives it as a file that prints.",
    )  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    name, value, note = (
        states.plain(row[word] or "").replace("|", "\\|") for word in ("name", "value", "note")
    )
    about = f":small[{note}]" if note else ""
    return f"| {name} | {' · '.join(filter(None, (value, about)))} |"


def _curve(number: str, answer: Answer) -> None:
    figure = curve(answer.table, style())
    frame(
        "model_curve", answer, ask.command("model-curve", Scope(), number=number),
        lambda: plot(figure, f"model_curve_{number}", answer.title, alt=f"Loss by epoch of {answer.of}."),
        Export(figure),
        hint="Validation is of the days that were held out: where it rises again, a model learns by heart.",
    )  # fmt: skip


def _promotion(number: int) -> None:
    """Promote the chosen version, roll back, or delete it, with a reason."""
    now, earlier = promoted(ask.store()), before(ask.store())
    rows = ask.ask("models", Scope()).table.to_pylist()
    unfit = {row["number"]: states.plain(row["problem"]) for row in rows if row["problem"]}
    with st.container(border=True, key="frame_promotion"):
        st.markdown("**Change what serves**")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="promotion_row"):
            changes.who_and_why("promotion")
        with st.container(horizontal=True, gap="small", key="promotion_buttons"):
            st.button(
                f"Promote version {number}", type="primary", icon=":material/publish:", key="promote",
                disabled=number == now or number in unfit, on_click=changes.promote,
                args=("promotion", number),
                help="Choose another version above the card" if number == now else unfit.get(number),
            )  # fmt: skip
            with st.popover(
                "Delete",
                icon=":material/delete:",
                disabled=number == now,
                key="delete_version",
                help="The version in use stays: promote another or roll back first"
                if number == now
                else None,
            ):
                size = disk_space(bytes_of(ask.store(), number))
                st.markdown(f"Version {number} and its {size} on the disk are deleted **for good**.")
                st.button(
                    f"Delete version {number}", icon=":material/delete:", key="delete",
                    on_click=changes.delete, args=("promotion", number),
                )  # fmt: skip
            st.button(
                "Roll back", icon=":material/undo:", key="rollback", on_click=changes.rollback,
                args=("promotion",), disabled=earlier is None or earlier in unfit,
                help="No version was in use before this one" if earlier is None
                else unfit.get(earlier) or f"To version {earlier}, which was in use before this one",
            )  # fmt: skip
        changes.said("promotion")


def _table(key: str, answer: Answer, name: str, columns: dict[str, Any], hint: str = "") -> None:
    """A frame with some columns of a table; the command prints all of them."""
    answer = replace(answer, table=answer.table.select(list(columns)))

    def draw() -> None:
        st.dataframe(
            answer.table, key=f"{key}_rows", hide_index=True, column_config=columns, placeholder="–",
            height=tables.height_of(answer.table.num_rows),
        )  # fmt: skip

    frame(key, answer, ask.command(name, Scope()), draw, Export(), hint=hint)


def _compared() -> None:
    answer = ask.ask("models-compared", Scope())
    versions_ = {
        name: name.replace("v", "Version ") for name in answer.table.column_names if name[1:].isdigit()
    }
    _table(
        "models_compared", answer, "models-compared",
        {
            name: st.column_config.TextColumn(label)
            for name, label in ({"name": "What"} | versions_).items()
        },
        hint="Numbers of different logs or of other things foretold are not of the same test.",
    )  # fmt: skip


def _rules() -> None:
    answer = ask.ask("rules", Scope())
    if not answer.table.num_rows:
        states.notice(
            "No rule comes after the model: lists are what it says. Write one below.", ":material/rule:"
        )
        return
    _table(
        "rules", answer, "rules",
        {
            "order": st.column_config.NumberColumn("#", width=40),
            "name": st.column_config.TextColumn("Rule"),
            "on": st.column_config.CheckboxColumn("On", width=50),
            "rule": st.column_config.TextColumn("What it does", width=420),
            "region": st.column_config.TextColumn("Where"), "start": st.column_config.DateColumn("From"),
            "end": st.column_config.DateColumn("To"),
        },
        hint="In this order they come after the model; what each does is told on the page Recommendations.",
    )  # fmt: skip


def _audit() -> None:
    answer = ask.ask("audit", Scope())
    if not answer.table.num_rows:
        states.notice("Nothing was changed yet; every change of rules and models will stand here.")
        return
    names = {"moment": "When", "what": "What", "name": "Of", "told": "How", "by": "By", "why": "Why"}
    words = {name: st.column_config.TextColumn(label) for name, label in names.items()}
    _table("audit", answer, "audit", words | {"told": st.column_config.TextColumn("How", width=420)})


main()
