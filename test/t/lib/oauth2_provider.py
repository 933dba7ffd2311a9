"""oauth2_provider.py FOLDER TLS_PORT RELAY_PORT STRANGER_PORT CONTROL_PORT: the other side of OAuth2, for tests.

A token endpoint that behaves as a provider does and a relay over WebSocket, with certificates of 127.0.0.1, of
localhost, and of an authority that nobody trusts. And commands over plain HTTP, which answer with JSON:

  /authorize?URL     somebody agrees at the address URL: {"code": ..., "state": ...}
  /mode?NAME         how the token endpoint behaves from now on, see Handler.token
  /rotate?on|off     does a refresh give a new refresh token, and end the old one?
  /good?TOKEN        is this access token good?
  /counts            requests to the token endpoint by what became of them
  /waiting           states that somebody waits for at the relay
  /deliver?STATE&JSON   a message for it from the relay
  /relay?up|down     down: takes nobody in, and sends away who is there

SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import collections
import hashlib
import http.server
import json
import secrets
import socket
import ssl
import sys
import threading
import time
import urllib.parse

FOLDER, (TLS_PORT, RELAY_PORT, STRANGER_PORT, CONTROL_PORT) = sys.argv[1], map(int, sys.argv[2:])
CLIENT = ("the client", "the:s3cret~")
lock = threading.Lock()
mode, rotate, relay_up = "good", True, True
codes, refresh_tokens, access_tokens = {}, set(), set()
counts = collections.Counter()
waiting = {}


def tokens(with_refresh):
    access = secrets.token_urlsafe(24)
    access_tokens.add(access)
    answer = {"access_token": access, "expires_in": 3600, "token_type": "Bearer", "scope": "contacts profile"}
    if with_refresh:
        answer["refresh_token"] = secrets.token_urlsafe(24)
        refresh_tokens.add(answer["refresh_token"])
    return 200, answer


def exchange(form, authorization):
    """A code for tokens: by HTTP Basic, with the code's address and verifier."""
    expected = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
    if authorization != expected:
        return 401, {"error": "invalid_client"}
    code = codes.pop(form.get("code"), None)
    if code is None or form.get("redirect_uri") != code["redirect_uri"]:
        return 400, {"error": "invalid_grant"}
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code["code_challenge"]:
        return 400, {"error": "invalid_grant"}
    return tokens(mode != "no_refresh_token")


def refresh(form):
    """A refresh token for an access token: the client in the form."""
    if (form.get("client_id"), form.get("client_secret")) != CLIENT:
        return 401, {"error": "invalid_client"}
    if form.get("refresh_token") not in refresh_tokens:
        return 400, {"error": "invalid_grant"}
    if rotate:
        refresh_tokens.discard(form["refresh_token"])
    return tokens(rotate)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send(self, status, body, kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        if self.path == "/elsewhere":
            counts["redirected"] += 1
            return self.send(200, {"access_token": "from elsewhere", "refresh_token": "x"})
        counts["asked"] += 1
        self.token(form)

    def token(self, form):
        """The token endpoint, in all of its moods."""
        if mode == "silent":
            time.sleep(600)
        if mode == "broken":
            return self.send(500, {"error": "server_error"})
        if mode == "redirect":
            return self.send(307, b"", Location="https://127.0.0.1:%d/elsewhere" % TLS_PORT)
        if mode == "html":
            return self.send(200, b"<html>hello</html>", "text/html")
        if mode == "binary":
            return self.send(200, b'{"access_token": "\xff\x00"}')
        if mode == "huge":
            return self.send(200, {"access_token": "x" * 70000, "refresh_token": "y"})
        if mode == "deep":
            return self.send(200, b"[" * 60000)
        if mode == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(b" ")
                time.sleep(0.2)
        if mode == "slow":
            time.sleep(1)
        while mode == "held":
            time.sleep(0.02)
        with lock:
            if form.get("grant_type") == "authorization_code":
                status, answer = exchange(form, self.headers.get("Authorization"))
            else:
                status, answer = refresh(form)
            counts[form.get("grant_type") if status == 200 else answer["error"]] += 1
        if mode == "late":
            # what the provider did is done, whoever still listens
            time.sleep(0.1)
        self.send(status, answer)

    def do_GET(self):
        """The relay: /ws/STATE."""
        if not relay_up or not self.path.startswith("/ws/") or "Sec-WebSocket-Key" not in self.headers:
            return self.send(404, {})
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.wfile.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        self.close_connection = True
        state = self.path[len("/ws/"):]
        with lock:
            waiting[state] = self
            counts["relay connections"] += 1
        try:
            while self.connection.recv(1024):
                pass
        except OSError:
            pass
        with lock:
            if waiting.get(state) is self:
                del waiting[state]

    def frame(self, text):
        data = text.encode()
        head = bytes([0x81, len(data)]) if len(data) < 126 else bytes([0x81, 126]) + len(data).to_bytes(2, "big")
        self.wfile.write(head + data)


class Control(Handler):
    def do_GET(self):
        global mode, rotate, relay_up
        command, _, argument = self.path.partition("?")
        argument = urllib.parse.unquote(argument)
        with lock:
            if command == "/authorize":
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(argument).query))
                assert (query["code_challenge_method"], query["response_type"]) == ("S256", "code")
                assert query["client_id"] == CLIENT[0]
                code = secrets.token_urlsafe(16)
                codes[code] = query
                return self.send(200, {"code": code, "state": query["state"]})
            if command == "/mode":
                mode = argument
            elif command == "/rotate":
                rotate = argument == "on"
            elif command == "/good":
                return self.send(200, {"good": argument in access_tokens})
            elif command == "/counts":
                return self.send(200, counts)
            elif command == "/waiting":
                return self.send(200, sorted(waiting))
            elif command == "/deliver":
                state, _, message = argument.partition("&")
                if state in waiting:
                    waiting[state].frame(message)
                return self.send(200, {"delivered": state in waiting})
            elif command == "/relay":
                relay_up = argument == "up"
                for handler in [] if relay_up else list(waiting.values()):
                    handler.connection.shutdown(socket.SHUT_RDWR)
            self.send(200, {})


class TlsServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, certificate):
        super().__init__(("127.0.0.1", port), Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{FOLDER}/{certificate}.pem", f"{FOLDER}/{certificate}.key")

    def finish_request(self, request, client_address):
        # in the thread of the connection, so that one who does not speak TLS holds up nobody
        try:
            super().finish_request(self.context.wrap_socket(request, server_side=True), client_address)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        pass


for port, certificate in (TLS_PORT, "server"), (RELAY_PORT, "relay"), (STRANGER_PORT, "stranger"):
    threading.Thread(target=TlsServer(port, certificate).serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", CONTROL_PORT), Control).serve_forever()
