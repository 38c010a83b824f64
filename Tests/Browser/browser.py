"""A server with the workflows of the tests, and a browser that looks at its dashboard."""

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HERE = pathlib.Path(__file__).parent
PATIENCE = 15
SCREENS = {1440: 900, 1024: 768, 390: 844}


class Server:
    """`aikit-lua serve` on a free port, with a store of its own that wants a token."""

    def __init__(self, folder, scripts="flows"):
        self.scripts = scripts
        self.binary = os.environ["AIKIT_LUA_BINARY"]
        self.folder = pathlib.Path(folder)
        self.store = str(self.folder / "runs.db")
        self.token = self.make_token("tester", "admin")
        self.port = 0
        self.begin()

    def begin(self):
        """Starts the process; after an end, at the port that it had."""
        self.log = open(self.folder / "serve.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.binary, "serve", self.scripts, "--port", str(self.port), "--store", self.store, "--no-watch", "--log-format", "json",
             "--allow-model=gpt-5-mini"], stderr=self.log, cwd=HERE)
        self.url = self._find_address()
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def make_token(self, name, role, *options):
        made = subprocess.run(
            [self.binary, "token", "create", "--name", name, "--role", role, "--store", self.store, *options],
            capture_output=True, text=True, check=True)
        return next(word for word in made.stdout.split() if word.startswith("akl_"))

    def revoke(self, token):
        subprocess.run(
            [self.binary, "token", "revoke", token.split("_")[1], "--store", self.store], capture_output=True, check=True)

    def _find_address(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with open(self.log.name, encoding="utf-8") as log:
                for line in log:
                    if '"port":' in line:
                        return f"http://127.0.0.1:{json.loads(line)['port']}/"
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("the server did not start: " + open(self.log.name, encoding="utf-8").read())

    def ask(self, path, body=None, method=None):
        """The JSON of an answer, whatever its status."""
        request = urllib.request.Request(
            self.url + path.lstrip("/"), method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return json.loads(error.read() or b"null")

    def start(self, workflow, data, run):
        return self.ask(f"/api/workflows/{workflow}/runs", {"inputData": data, "runId": run})["runId"]

    def settled(self, run):
        return self.ask(f"/api/runs/{urllib.parse.quote(run, safe='')}?wait=30s")["status"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Browser:
    """Chromium by its driver, with short words for what tests do."""

    def __init__(self, server):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
        self.server = server
        self.screen(1440)

    def screen(self, width, theme="light"):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": SCREENS[width], "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})

    def visit(self, address=""):
        """Loads a page anew."""
        self.driver.get("about:blank")
        self.driver.get(self.server.url + address)

    def log_in(self, token=None):
        """Has the server set its cookie, as the page that asks for a token does."""
        self.driver.get(self.server.url + "assets/icon.svg")
        status = self.js("""
            return fetch('/api/session', { method: 'POST', headers: { Authorization: `Bearer ${arguments[0]}`, 'X-CSRF-Protection': '1' } })
              .then(({ status }) => status)""", token or self.server.token)
        if status != 200:
            raise AssertionError(f"logging in was answered with {status}")

    def log_out(self):
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, text=None, patience=PATIENCE):
        """The first element of a selector that can be seen and holds a text, as soon as there is one."""
        def look():
            for element in self.all(selector):
                if element.is_displayed() and (text is None or text in element.text):
                    return element
            return None
        return self.until(look, f"{selector} with {text!r}", patience)

    def until(self, look, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            try:
                found = look()
            except Exception as error:  # An element that was replaced meanwhile is looked for again.
                if "stale" not in str(error).lower():
                    raise
                found = None
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"there is no {what}; the page says:\n{self.one_text()[:1500]}")
            time.sleep(0.03)

    def one_text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def click(self, selector, text=None):
        self.one(selector, text).click()

    def fill(self, selector, text):
        element = self.one(selector)
        element.clear()
        element.send_keys(text)
        return element

    def field(self, label):
        """The control of a label."""
        return self.until(lambda: self.js("""
            for (const label of document.querySelectorAll('label')) {
              if (label.checkVisibility() && label.textContent.trim().startsWith(arguments[0]) && label.control) return label.control;
            }
            return null;""", label), f"field {label!r}")

    def fill_field(self, label, text):
        """Puts a text in place of what stands in the control of a label."""
        control = self.field(label)
        control.clear()
        control.send_keys(text)

    def choose(self, label, option):
        control = self.field(label)
        for choice in control.find_elements(By.TAG_NAME, "option"):
            if choice.text == option:
                choice.click()
                return
        raise AssertionError(f"{label!r} has no option {option!r}")

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def address(self):
        return self.js("return location.hash")

    def audit(self):
        return self.js("return " + (HERE / "audit.js").read_text(encoding="utf-8").split("\n", 2)[2])

    def faults(self):
        """What the browser complained of; a status that a page asks for on purpose is no fault, nor is a server that is away."""
        known = ("status of 40", "status of 42", "status of 503", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and not any(text in entry["message"] for text in known)]

    def stop(self):
        self.driver.quit()


__all__ = ["Browser", "Keys", "SCREENS", "Server"]
