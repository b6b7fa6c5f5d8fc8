"""A person who goes from page to page, and tells of each: what a browser asks of the server, without the
browser, which would take its share of another machine.

python -m tests.bench.visitors PORT STORE
"""

from __future__ import annotations

import asyncio
import sys
from itertools import cycle

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PAGES = ("", "when", "map", "funnel", "paths")
#: Seconds that a page is looked at; parts that run by themselves in this time are drawn too.
LOOKED = 3.0


async def visit(port: str, page: str, store: str) -> None:
    """Open a page, as a tab does, and look at it; raises `RuntimeError` for a page that ends in an error."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    asked = BackMsg()
    asked.rerun_script.query_string = f"store={store}"
    asked.rerun_script.page_name = page
    async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        await socket.send(asked.SerializeToString())
        message = ForwardMsg()
        while message.WhichOneof("type") != "script_finished":
            message.ParseFromString(await asyncio.wait_for(socket.recv(decode=False), 60))
            if message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)
        try:
            async with asyncio.timeout(LOOKED):
                while True:
                    await socket.recv()
        except TimeoutError:
            return


def main(port: str, store: str) -> None:
    for page in cycle(PAGES):
        try:
            asyncio.run(visit(port, page, store))
        except (ConnectionClosed, OSError):
            return  # the server has ended
        print(page or "overview", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
