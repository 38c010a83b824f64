"""What may go wrong around a page: servers that go away, tokens that end, other tabs, clocks that differ, networks that are slow."""

import unittest

from browser import Keys
from cases import LoggedInCase

PARCEL = {"customer": "Ada", "items": [{"sku": "A1", "count": 2}], "pay": {"kind": "card"}}


class TroubleTests(LoggedInCase):
    def tearDown(self):
        if self.server.process.poll() is not None:
            self.server.begin()
        super().tearDown()

    def wait_for_form(self, run):
        self.server.settled(self.server.start("payment", {"order": "B-1", "cents": 5}, run))
        self.server.ask(f"/api/runs/{run}/signals/paid", {"data": {"by": "card"}})
        self.server.settled(run)
        self.browser.visit(f"#/inbox/{run}/book")
        return self.browser.one(".answer")

    def test_a_list_goes_on_when_the_server_comes_back(self):
        browser = self.browser
        self.server.settled(self.server.start("bulk", {"count": 1}, "before"))
        browser.visit("#/runs")
        browser.one(".live.is-live")
        self.server.stop()
        browser.one(".live.is-broken", "Reconnecting")
        browser.one(".run-link", "before")
        self.server.begin()
        browser.one(".live.is-live")
        self.server.start("bulk", {"count": 1}, "after")
        browser.one(".run-link", "after")

    def test_a_run_is_followed_over_a_restart(self):
        browser = self.browser
        run = self.server.start("parcel", PARCEL, "restarted")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Needs a person")
        browser.one(".live.is-live")
        self.server.stop()
        browser.one(".live.is-broken", "Reconnecting")
        self.server.begin()
        browser.one(".live.is-live")
        self.server.ask(f"/api/tasks/{run}/release", {"data": {"decision": "send"}})
        browser.one(".run-status", "Succeeded")
        names = [row.text.split("\n")[0] for row in browser.all(".step-row:not([hidden]) .step-name")]
        self.assertEqual(names, ["check", "picking", "1 · pick", "release", "way", "send"])

    def test_every_page_says_that_the_server_is_away_until_it_is_back(self):
        browser = self.browser
        self.server.settled(self.server.start("bulk", {"count": 1}, "seen"))
        pages = {"runs": ".run-link", "inbox": ".inbox-body > *", "workflows": ".workflow-card", "schedules": ".schedules .card",
                 "health": ".status-line", "runs/seen": ".step-row", "workflows/bulk": ".graph"}
        browser.visit()
        for page, wanted in pages.items():
            browser.js("location.hash = arguments[0]", f"#/{page}")
            browser.one(wanted)
            self.assertEqual(browser.one_text().count("No connection"), 0)
        self.server.stop()
        for page in pages:
            browser.js("location.hash = arguments[0]", f"#/{page}")
            browser.one(".away", "No connection to the server", 25)
        self.server.begin()
        browser.until(lambda: "No connection" not in browser.one_text(), "sign gone")

    def test_a_list_says_so_when_the_server_goes_away(self):
        browser = self.browser
        for page, wanted in {"schedules": ".schedules .card", "inbox": ".inbox-body > *"}.items():
            browser.visit(f"#/{page}")
            browser.one(wanted)
            self.server.stop()
            browser.one(".away", "No connection to the server", 25)
            self.server.begin()
            browser.until(lambda: not browser.js("return document.getElementById('away').firstChild"), "sign gone")

    def test_a_page_that_is_opened_while_the_server_is_away_comes_by_itself(self):
        browser = self.browser
        self.server.settled(self.server.start("bulk", {"count": 1}, "kept"))
        browser.visit("#/workflows")
        browser.one(".workflow-card")
        self.server.stop()
        for page, wanted in (("runs", ".run-link"), ("schedules", ".schedules .card"), ("health", ".status-line")):
            browser.js("location.hash = arguments[0]", f"#/{page}")
            browser.one("h1", page.capitalize())
            browser.one("[role=alert]", "cannot be reached")
        browser.js("location.hash = '#/runs/kept'")
        browser.one("[role=alert]", "cannot be reached")
        self.server.begin()
        browser.one(".step-row", "each")

    def test_a_page_whose_code_did_not_come_comes_by_itself(self):
        browser = self.browser
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/page-schedules.js*"]})
        try:
            browser.visit("#/schedules")
            browser.one("h1", "Schedules")
            browser.one("[role=alert]", "cannot be reached")
        finally:
            browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        browser.one(".schedules .card")

    def test_a_page_whose_code_the_browser_gave_up_is_loaded_anew(self):
        browser = self.browser
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/page-schedules.js*"]})
        try:
            browser.visit("#/schedules")
            browser.one("[role=alert]", "cannot be reached")
            browser.js("window.isOld = true")
            browser.until(lambda: browser.js("return !window.isOld"), "page that was loaded anew")
        finally:
            browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        browser.one(".schedules .card")

    def test_back_leads_to_where_a_list_was_left(self):
        browser = self.browser
        for number in range(150):
            self.server.start("bulk", {"count": 0}, f"row-{number:03}")
        self.server.settled("row-149")
        browser.visit("#/runs?workflow=bulk&q=row-")
        browser.one(".run-link", "row-149")
        browser.until(lambda: "row-020" in (browser.js("document.querySelector('.virtual').scrollTop = 1e6") or browser.one_text()), "end of the list")
        browser.until(lambda: browser.js("return history.state?.list?.top > 1000"), "noted place")
        browser.click(".run-link", "row-010")
        browser.one("h1", "row-010")
        browser.one(".step-row", "each").click()
        browser.until(lambda: "step=each" in browser.address, "address of the step")
        browser.driver.back()
        browser.one("h1", "Runs")
        browser.one(".run-link", "row-010")
        self.assertEqual(browser.address, "#/runs?workflow=bulk&q=row-")
        browser.driver.forward()
        browser.one(".inspector h2", "each")
        # Another filter begins at the top.
        browser.visit("#/runs?workflow=bulk&q=row-1")
        browser.one(".run-link", "row-149")

    def test_what_was_typed_outlives_updates_restarts_and_refusals(self):
        browser = self.browser
        self.wait_for_form("half-filled")
        browser.choose("kind", "refund")
        browser.field("of").send_keys("17")
        browser.field("discount").click()
        browser.field("reason").send_keys("a good customer")
        reason = browser.field("reason")
        # Other tasks come and go.
        for number in range(3):
            other = self.server.start("question", {"about": f"update {number}"}, f"update-{number}")
            self.server.settled(other)
        browser.one(".task", "update 2")
        self.assertEqual(reason.get_attribute("value"), "a good customer")
        self.assertTrue(browser.js("return document.activeElement === arguments[0]", reason))
        # The server goes away: an answer is refused, and nothing is lost.
        browser.field("percent").send_keys("5")
        self.server.stop()
        browser.click("button", "Send the answer")
        browser.one(".answer .empty, .answer .notice", "cannot be reached")
        self.server.begin()
        browser.until(lambda: self.server.ask("/api/version").get("name"), "server")
        browser.one(".task", "update 2")
        self.assertEqual(reason.get_attribute("value"), "a good customer")
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        self.assertEqual(self.server.settled("half-filled"), "success")
        answer = self.server.ask("/api/runs/half-filled")["steps"]["book"][0]
        self.assertEqual(answer["output"], {"account": {"kind": "refund", "of": 17}, "discount": {"percent": 5, "reason": "a good customer"}})
        for number in range(3):
            self.server.ask(f"/api/runs/update-{number}/cancel", {})

    def test_what_was_typed_outlives_a_look_at_another_page_or_task(self):
        browser = self.browser
        self.wait_for_form("looked-away")
        browser.choose("kind", "refund")
        browser.field("of").send_keys("17")
        browser.click(".detail-head a", "looked-away")
        browser.one(".run-status", "Needs a person")
        browser.driver.back()
        self.assertEqual(browser.field("of").get_attribute("value"), "17")
        other = self.server.start("question", {"about": "between"}, "between")
        self.server.settled(other)
        browser.one(".task", "between").click()
        browser.one(".shown", "between")
        browser.click(".task", "looked-away")
        self.assertEqual(browser.field("of").get_attribute("value"), "17")
        for run in ("looked-away", other):
            self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_a_refused_answer_keeps_the_focus(self):
        browser = self.browser
        self.wait_for_form("refused")
        browser.choose("kind", "sales")
        browser.field("region").send_keys("north")
        browser.field("discount").click()
        browser.field("reason").send_keys("none")
        browser.field("percent").send_keys("51")
        send = browser.one("button", "Send the answer")
        send.click()
        browser.one(".field-error", "at most 50")
        self.assertEqual(browser.js("return document.activeElement.value"), "51")
        browser.fill_field("percent", "5")
        # Somebody else was quicker.
        browser.js("""
            const real = window.fetch;
            window.fetch = (address, options) => (options?.method === 'POST' ? Promise.resolve(new Response(JSON.stringify({ error: 'no', code: 'busy' }), { status: 409 })) : real(address, options));""")
        browser.js("arguments[0].focus()", send)
        browser.press(Keys.ENTER)
        browser.one(".answer .notice", "no")
        self.assertTrue(browser.js("return document.activeElement === arguments[0]", send))
        self.server.ask("/api/runs/refused/cancel", {})
        browser.one(".empty, .task-detail .empty")
        browser.until(lambda: browser.js("return document.activeElement.tagName") != "BODY", "focus in the page")

    def test_a_token_that_is_revoked_asks_for_another_one_above_what_was_typed(self):
        browser = self.browser
        first, second = (self.server.make_token("clerk", "run") for _ in range(2))
        browser.log_in(first)
        self.wait_for_form("revoked")
        browser.choose("kind", "sales")
        browser.field("region").send_keys("north")
        region = browser.field("region")
        self.server.revoke(first)
        # What was looked up counts for two seconds.
        browser.until(lambda: self.is_refused(first), "refusal")
        browser.click("button", "Send the answer")
        browser.one("dialog h2", "Log in")
        browser.one("dialog .field-error", "no longer good")
        # Neither the key for it nor a wrong token opens the page.
        browser.press(Keys.ESCAPE)
        browser.one("dialog #token").send_keys("akl_wrong_token", Keys.ENTER)
        browser.one("dialog .field-error", "Invalid authorization token")
        browser.one("dialog #token").clear()
        browser.one("dialog #token").send_keys(second, Keys.ENTER)
        browser.until(lambda: not browser.all("dialog"), "page without the question")
        self.assertEqual(region.get_attribute("value"), "north")
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        self.assertEqual(self.server.settled("revoked"), "success")
        browser.visit("#/runs/revoked?step=book")
        browser.one(".inspector .facts", "clerk")

    def is_refused(self, token):
        return self.browser.js("""
            return fetch('/api/version', { headers: { Authorization: `Bearer ${arguments[0]}` } }).then(({ status }) => status === 401)""", token)

    def test_another_reader_does_not_see_what_the_first_one_left(self):
        browser = self.browser
        first, other = self.server.make_token("first", "admin"), self.server.make_token("other", "read")
        browser.log_in(first)
        self.wait_for_form("not-yours")
        self.server.revoke(first)
        browser.until(lambda: self.is_refused(first), "refusal")
        browser.choose("kind", "sales")
        browser.field("region").send_keys("secret")
        browser.click("button", "Send the answer")
        browser.one("dialog #token").send_keys(other, Keys.ENTER)
        browser.one(".answer", "Your token may look")
        self.assertNotIn("secret", browser.js("return [...document.querySelectorAll('input')].map(({ value }) => value).join()"))

    def test_two_tabs_share_a_log_in_and_a_log_out(self):
        browser = self.browser
        driver = browser.driver
        browser.visit("#/runs")
        browser.one("h1", "Runs")
        one = driver.current_window_handle
        driver.switch_to.new_window("tab")
        other = driver.current_window_handle
        try:
            driver.get(self.server.url + "#/workflows")
            browser.one(".workflow-card")
            browser.click("button[aria-label='Log out']")
            browser.one("h1", "Log in")
            driver.switch_to.window(one)
            browser.one("h1", "Log in")
            driver.switch_to.window(other)
            browser.one("#token").send_keys(self.server.token, Keys.ENTER)
            browser.one("h1", "Workflows")
            driver.switch_to.window(one)
            browser.one("h1", "Runs")
        finally:
            driver.switch_to.window(other)
            driver.close()
            driver.switch_to.window(one)

    def test_what_another_tab_answered_is_not_answered_again(self):
        browser = self.browser
        self.wait_for_form("twice")
        browser.choose("kind", "sales")
        browser.field("region").send_keys("north")
        account = {"account": {"kind": "sales", "region": "south"}}
        self.server.ask("/api/tasks/twice/book", {"data": account})
        browser.one(".task-detail", "This is over")
        browser.one(".task-detail", "Answered by tester")
        self.assertEqual(self.server.ask("/api/runs/twice")["steps"]["book"][0]["output"], account)

    def test_a_clock_that_is_wrong_by_hours_changes_no_duration(self):
        browser = self.browser
        self.server.start("slow", {}, "skewed")
        for hours in (-5, 5):
            script = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
                "source": f"const real = Date.now; Date.now = () => real() + {hours * 3600_000};"})["identifier"]
            try:
                browser.visit("#/runs/skewed")
                browser.one(".run-status", "Running")
                took = browser.until(lambda: next((cell.text for cell in browser.all(".strip > div") if cell.text.startswith("So far") and cell.text.endswith("s")), None), "duration")
                self.assertRegex(took, r"^So far\s[\d.]+ m?s$")
                browser.visit("#/runs?since=15m")
                row = browser.one(".run-row", "skewed")
                self.assertRegex(row.find_element("css selector", ".run-took").text, r"^[\d.]+ m?s$")
            finally:
                browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})
        self.server.ask("/api/runs/skewed/cancel", {})

    def test_times_are_those_of_the_reader_with_the_exact_one_on_hover(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 1}, "zoned")
        self.server.settled(run)
        started = self.server.ask(f"/api/runs/{run}")["startedAt"]
        try:
            for zone in ("Asia/Kathmandu", "America/St_Johns"):
                browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
                browser.visit(f"#/runs/{run}")
                browser.one(".run-status", "Succeeded")
                began = browser.until(lambda: next((cell for cell in browser.all(".strip > div") if cell.text.startswith("Began") and ":" in cell.text), None), "time")
                shown, exact, wanted = browser.js("""
                    const at = new Date(arguments[1]);
                    const two = (value) => String(value).padStart(2, '0');
                    return [arguments[0].querySelector('dd').textContent, arguments[0].querySelector('dd').title,
                      `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`]""", began, started)
                self.assertEqual(shown.split(", ")[-1], wanted)
                self.assertIn(wanted, exact)
                self.assertRegex(exact, r"\.\d{3}.*GMT[+-]")
        finally:
            browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})

    def test_a_slow_network_sends_nothing_twice(self):
        browser = self.browser
        browser.visit("#/workflows/slow?view=start")
        button = browser.one("button", "Start the run")
        known = len(self.server.ask("/api/runs?workflow=slow&limit=1000")["runs"])
        browser.driver.execute_cdp_cmd("Network.enable", {})
        slow = {"offline": False, "latency": 600, "downloadThroughput": 60_000, "uploadThroughput": 60_000}
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
        try:
            for _ in range(3):
                browser.js("arguments[0].click()", button)
            self.assertEqual(button.get_attribute("aria-disabled"), "true")
            browser.one(".run-status", "Running")
            browser.one(".step-row", "think")
        finally:
            browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**slow, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        runs = self.server.ask("/api/runs?workflow=slow&limit=1000")["runs"]
        self.assertEqual(len(runs), known + 1)
        self.server.ask(f"/api/runs/{runs[0]['runId']}/cancel", {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
