"""A service whose capacity is known before it is measured: each request takes a fixed time.

A worker of gunicorn's default kind serves one request at a time. So N workers hold N requests at
once, and carry N / (service time) of them per second. The time is slept, not computed: it does not
depend on how fast the machine is.
"""

import os
import time

SERVICE_SECONDS = float(os.environ.get("SERVICE_MS", "100")) / 1000
ANSWER = b"done\n"


def app(environ, start_response):
    if environ["PATH_INFO"] != "/health":
        time.sleep(SERVICE_SECONDS)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]
