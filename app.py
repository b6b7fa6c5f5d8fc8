"""The app: `streamlit run app.py` serves the pages, by `pages/shell.py`, and the API beside them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api import lifespan, routes
from pages.parts.states import failure

#: Tells Streamlit's script where its server is. Without it, a link straight to a page makes the browser try
#: the page's own address first, and fail, and wait half a second.
SERVER = b'<script>window.__streamlit={BACKEND_BASE_URL:new URL(document.baseURI).origin+"%s"}</script>'


class KnownServer:
    """Puts `SERVER` into the head of the HTML that carries the app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        base = str(st.get_option("server.baseUrlPath") or "").strip("/")
        self.script = SERVER % (f"/{base}/" if base else "/").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; everything but HTML passes as it is."""
        if scope["type"] != "http" or b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        # Compressed HTML could not be added to, and a copy that the browser has would lack the script.
        skipped = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        plain = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k not in skipped]}
        start: Message = {}
        body = b""

        async def add(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = [(k, v) for k, v in start["headers"] if k not in (b"content-length", b"etag")]
            if b"text/html" in dict(headers).get(b"content-type", b""):
                body = body.replace(b"<head>", b"<head>" + self.script, 1)
            headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await self.app(plain, receive, add)


app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    routes=routes(),
    lifespan=lifespan,
    middleware=[Middleware(KnownServer)],
    on_script_error=failure,
)
