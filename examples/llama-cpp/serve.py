"""llama.cpp's own HTTP server, from the `xllamacpp` wheel, on one model.

    python3 serve.py tiny.gguf --port 8080

It stops on SIGTERM and on Ctrl-C.
"""

import argparse
import signal

import xllamacpp


def arguments():
    parser = argparse.ArgumentParser(description="Serve a GGUF model with llama.cpp.")
    parser.add_argument("model", help="the GGUF file")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--slots", type=int, default=4, help="requests computed at the same time")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute")
    return parser.parse_args()


def parameters(given):
    chosen = xllamacpp.CommonParams()
    chosen.model.path = given.model
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = given.port
    chosen.n_parallel = given.slots
    chosen.n_ctx = 2048 * given.slots  # the slots share it
    chosen.cpuparams.n_threads = given.threads
    chosen.cpuparams_batch.n_threads = given.threads
    chosen.endpoint_metrics = True
    chosen.verbosity = 2  # warnings: the default also writes several lines for each request
    # Each prompt is computed in full. Otherwise the few tokens with which all of them begin are
    # taken from the request before.
    chosen.cache_prompt = False
    # Every prompt seen is otherwise kept in memory, up to 8 GiB: under load that never repeats a
    # prompt the server grows, and slows down while it is measured.
    chosen.cache_ram_mib = 0
    return chosen


def main():
    given = arguments()
    # Blocked before the server starts its threads, so that they inherit it and the signal waits here.
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    server = xllamacpp.Server(parameters(given))
    print("listening on", server.listening_address, flush=True)
    signal.sigwait(stops)


if __name__ == "__main__":
    main()
