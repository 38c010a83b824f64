"""One way through the dashboard, from the log-in to a fork: at every width by a pointer, and by keys alone."""

import unittest

from cases import BrowserCase
from hands import Keyboard, Pointer


class JourneyTests(BrowserCase):
    def test_at_1440_pixels(self):
        self.travel(1440, Pointer(self.browser))

    def test_at_1024_pixels(self):
        self.travel(1024, Pointer(self.browser))

    def test_at_390_pixels(self):
        self.travel(390, Pointer(self.browser))

    def test_by_keys_alone(self):
        self.travel(1440, Keyboard(self.browser), "keys")

    def travel(self, width, hand, name=None):
        name = name or str(width)
        browser = self.browser
        browser.screen(width)
        browser.log_out()
        browser.visit()
        # Log in.
        hand.write("Token", self.server.token)
        hand.press("button", "Log in")
        browser.one("h1", "Runs")
        self.assert_sound()
        # Start a run from its form, and watch it.
        hand.press("nav a[data-page=workflows]")
        hand.press(".workflow-card a", "parcel")
        hand.press("[role=tab]", "Start a run")
        hand.write("customer", "Ada")
        hand.write("sku", "A1")
        hand.write("count", "2")
        hand.tick("address")
        hand.write("street", "Main Street 1")
        hand.choose("kind", "bill")
        hand.write("days", "14")
        self.assert_sound()
        hand.press("button", "Start the run")
        browser.one(".run-status", "Needs a person")
        browser.one(".step-row", "release")
        self.assert_sound()
        run = browser.address.split("?")[0].split("/")[2]
        # Answer what it asks.
        hand.press("a.button", "Answer")
        browser.one("h2", "Release the parcel?")
        self.assert_sound()
        hand.choose("Decision", "send")
        hand.press("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        self.assertEqual(self.server.settled(run), "success")
        # See an error with its line.
        failed = self.server.start("ledger", {"lines": 4}, f"wrong-{name}")
        self.server.settled(failed)
        hand.press("nav a[data-page=runs]")
        hand.press(".run-link", failed)
        browser.one(".run-status", "Failed")
        line = browser.one(".source .is-here")
        self.assertIn("line.amount.value * 2", line.text)
        self.assertGreater(browser.js("return arguments[0].getBoundingClientRect().height", line), 10)
        self.assert_sound()
        # Filter the list.
        hand.press("nav a[data-page=runs]")
        browser.one(".run-link", failed)
        hand.press(".chip", "Failed")
        browser.until(lambda: browser.address == "#/runs?status=failed", "filtered address")
        browser.one(".run-link", failed)
        self.assertFalse(any("Succeeded" in row.text for row in browser.all(".run-row:not([hidden])")))
        # Fork it from a step, with another input.
        hand.press(".run-link", failed)
        browser.one(".step-row", "load")
        if isinstance(hand, Keyboard):
            browser.press("j")
        else:
            hand.press(".step-row", "load")
        browser.one(".inspector h2", "load")
        self.assert_sound()
        hand.press("button", "Fork from here")
        hand.tick("With another input")
        area = browser.one("dialog textarea")
        area.clear() if not isinstance(hand, Keyboard) else None
        if isinstance(hand, Keyboard):
            hand.reach(area)
            browser.js("arguments[0].select()", area)
            browser.press('{"lines": 2}')
        else:
            area.send_keys('{"lines": 2}')
        hand.press("dialog button", "Start the new run")
        browser.one(".run-status", "Succeeded")
        browser.until(lambda: failed not in browser.address, "address of the new run")
        # Cancel one.
        slow = self.server.start("slow", {}, f"slow-{name}")
        hand.press("nav a[data-page=runs]")
        hand.press(".run-link", slow)
        hand.press(".actions button", "Cancel")
        hand.write("Reason", "no longer wanted")
        hand.press("dialog button", "Cancel the run")
        browser.one(".run-status", "Cancelled")
        self.assertEqual(browser.faults(), [])

    def assert_sound(self):
        self.browser.js("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.assertEqual(self.browser.audit(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
