"""Takes one message, and says whether its signature fits."""
import hashlib, hmac, http.server, json


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        expected = "sha256=" + hmac.new(b"correct-horse", body, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(expected, self.headers["x-aikit-signature"])
        message = json.loads(body)
        with open("received.txt", "w") as file:
            print(message["type"], message["runId"], json.dumps(message["result"]), file=file)
            print("delivery", self.headers["x-aikit-delivery"], "genuine" if genuine else "forged", file=file)
        self.send_response(204)
        self.end_headers()
        self.server.is_done = True

    def log_message(self, *_): pass


server = http.server.HTTPServer(("127.0.0.1", 8058), Receiver)
server.is_done = False
while not server.is_done:
    server.handle_request()
