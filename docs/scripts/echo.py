"""Answers each request with the Authorization header that it had."""
import http.server, sys


class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.headers.get("authorization", "nothing").encode()
        print("the server got:", body.decode(), file=sys.stderr, flush=True)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): pass


http.server.HTTPServer(("127.0.0.1", 8049), Echo).serve_forever()
