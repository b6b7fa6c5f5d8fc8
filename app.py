"""The app: `streamlit run app.py` serves the pages. The script behind every page is `pages/shell.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.states import failure

app = st.App(Path(__file__).parent / "pages" / "shell.py", on_script_error=failure)
