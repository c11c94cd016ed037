# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks for tests: records deliveries, and answers as configured."""
import http.server
import json
import threading


class Receiver:
    """`answers`: statuses (or functions of the handler) for the first letters; then 204."""

    def __init__(self, *answers, tls=None):
        self.letters = []
        self.answers = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                letter = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                          "body": body.decode()}
                answer = outer.answers.pop(0) if outer.answers else 204
                outer.letters.append(letter)
                if callable(answer):
                    return answer(self)
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients may go away

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}/hook?from=kiln"

    def events(self):
        return [json.loads(letter["body"]) for letter in self.letters]

    def types(self):
        return [event["type"] for event in self.events()]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
