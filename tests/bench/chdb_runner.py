"""Runs in the environment of the peers: SQL from standard input in chdb, times and rows as JSON.

What is in `setup` runs once, before the queries.
"""

import json
import sys
import time

import chdb
from chdb import session

asked = json.load(sys.stdin)
connection = session.Session()
setup = []
for sql in asked.get("setup", []):
    began = time.perf_counter()
    connection.query(sql)
    setup.append(time.perf_counter() - began)
found = []
for sql in asked["queries"]:
    seconds = []
    for _ in range(asked["runs"]):
        began = time.perf_counter()
        rows = str(connection.query(sql, "JSONEachRow"))
        seconds.append(time.perf_counter() - began)
    found.append({"seconds": seconds, "rows": [json.loads(line) for line in rows.splitlines()]})
json.dump({"version": chdb.__version__, "setup": setup, "found": found}, sys.stdout)
