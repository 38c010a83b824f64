"""`aikit-lua dev --ui`: the same pages over the runs of a session."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import types
import unittest

from browser import HERE, PATIENCE, Browser

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")


class DevTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.script = pathlib.Path(shutil.copy(HERE / "flows/question.lua", self.folder))
        self.output = open(self.folder / "log", "w", encoding="utf-8")
        self.addCleanup(self.output.close)
        self.process = subprocess.Popen(
            [os.environ["AIKIT_LUA_BINARY"], "dev", str(self.script), "--ui", "--input", '{"about": "the weather"}'],
            stdin=subprocess.PIPE, stdout=self.output, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(self.end)
        url = self.find_address()
        self.browser = Browser(types.SimpleNamespace(url=url))
        self.addCleanup(self.browser.stop)

    def end(self):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def find_address(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            text = (self.folder / "log").read_text(encoding="utf-8")
            if found := ADDRESS.search(text):
                return found[0]
            time.sleep(0.05)
        self.fail("no address: " + (self.folder / "log").read_text(encoding="utf-8"))

    def test_a_session_is_seen_answered_and_reloaded(self):
        browser = self.browser
        browser.visit()
        # Nobody is asked for a token, and there is nothing to log out of.
        browser.click(".run-link")
        browser.one(".run-status", "Needs a person")
        self.assertEqual(browser.all("button[aria-label='Log out']:not([hidden])"), [])
        browser.click("a.button", "Answer")
        browser.one(".shown", "the weather")
        browser.field("answer").send_keys("rain")
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        browser.visit("#/runs")
        browser.one(".run-row", "Succeeded")
        # What is saved shows as a new version.
        self.script.write_text(self.script.read_text().replace("Asks one thing", "Asks another thing"))
        browser.visit("#/workflows")
        browser.until(lambda: browser.js("location.reload()") or browser.one(".workflow-card", "Asks another thing", patience=2), "new description", 20)
        # One that does not load is told of until it does, beside what stays live.
        good = self.script.read_text()
        self.script.write_text(good + "\n+")
        box = browser.one(".error-box", "does not load")
        self.assertIn("question.lua", box.text)
        self.assertIn("near <eof>", box.text)
        browser.one(".workflow-card", "Asks another thing")
        self.assertEqual(browser.audit(), [])
        self.script.write_text(good)
        browser.until(lambda: not browser.all(".error-box"), "list without an error")
        self.assertEqual(browser.audit(), [])
        self.assertEqual(browser.faults(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
