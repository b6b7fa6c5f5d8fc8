"""Cartscape's engine: everything but the browser. Never imports streamlit."""
