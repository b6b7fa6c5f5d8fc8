"""The log on disk: Parquet by month, its pseudonyms, its loads, and the connection that reads it."""

from core.store.documents import Document, Documents
from core.store.listing import StoreInfo, list_stores
from core.store.pseudonyms import Secret
from core.store.report import LoadReport, Progress
from core.store.store import Store

__all__ = ["Document", "Documents", "LoadReport", "Progress", "Secret", "Store", "StoreInfo", "list_stores"]
