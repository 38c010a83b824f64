"""The dashboard in a real browser: what people do with it, at three widths, by keyboard alone, and with a hostile run."""

import unittest

from browser import SCREENS, Keys
from cases import LoggedInCase

PARCEL = {"customer": "Ada", "items": [{"sku": "A1", "count": 2}], "pay": {"kind": "card"}}


class DashboardTests(LoggedInCase):
    def test_log_in(self):
        browser = self.browser
        browser.log_out()
        browser.visit()
        browser.fill("#token", "akl_wrong_token")
        browser.click("button", "Log in")
        browser.one(".field-error", "Invalid authorization token")
        browser.fill("#token", self.server.token)
        browser.press(Keys.ENTER)
        browser.one("h1", "Runs")
        # No script reads the token, and no place of the page keeps it.
        self.assertEqual(browser.js("return [document.cookie, sessionStorage.length, JSON.stringify(localStorage).includes('akl_')]"), ["", 0, False])
        browser.click("button[aria-label='Log out']")
        browser.one("h1", "Log in")
        browser.visit()
        browser.one("h1", "Log in")

    def test_start_a_run_by_its_form_watch_it_and_answer(self):
        browser = self.browser
        browser.visit("#/workflows")
        browser.click(".workflow-card a", "parcel")
        browser.click("[role=tab]", "Start a run")
        browser.field("customer").send_keys("Ada")
        browser.click("button", "Start the run")
        browser.one(".field-error")
        browser.field("sku").send_keys("A1")
        browser.field("count").send_keys("two")
        browser.click("button", "Start the run")
        browser.one(".field-error", "A whole number")
        browser.field("count").clear()
        browser.field("count").send_keys("2")
        browser.field("address").click()
        browser.field("street").send_keys("Main Street 1")
        browser.choose("kind", "bill")
        browser.field("days").send_keys("14")
        browser.click("button", "Start the run")
        # Live: the page shows the steps as they come, and that a person is needed.
        browser.one(".run-status", "Needs a person")
        names = [row.text.split("\n")[0] for row in browser.all(".step-row:not([hidden]) .step-name")]
        self.assertEqual(names, ["check", "picking", "1 · pick", "release"])
        run = browser.address.split("?")[0].split("/")[2]
        self.assertEqual(self.server.ask(f"/api/runs/{run}")["steps"]["check"][0]["input"], {
            "customer": "Ada", "items": [{"sku": "A1", "count": 2}], "address": {"street": "Main Street 1"},
            "pay": {"kind": "bill", "days": 14}})
        browser.click("a.button", "Answer")
        browser.one("h2", "Release the parcel?")
        browser.one(".shown-rows td", "A1")
        browser.choose("Decision", "send")
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Succeeded")
        # The branch ended before the step of its case began; the step stands below it all the same.
        row = browser.until(lambda: next((row for row in browser.all(".step-row") if row.text.startswith("send")), None), "row of the step")
        self.assertEqual(row.get_attribute("aria-level"), "2")

    def test_an_answer_written_as_json(self):
        browser = self.browser
        run = self.server.start("parcel", PARCEL, "by-json")
        self.server.settled(run)
        browser.visit(f"#/inbox/{run}/release")
        browser.click("button", "Write JSON instead")
        browser.fill("textarea[aria-label='Answer as JSON']", '{"decision": "drop"}')
        browser.click("button", "Send the answer")
        browser.one(".form .field-error", "decision")
        browser.fill("textarea[aria-label='Answer as JSON']", '{"decision": "hold"}')
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        self.assertEqual(self.server.settled(run), "success")

    def test_a_live_run_goes_on_while_it_is_watched(self):
        browser = self.browser
        run = self.server.start("parcel", PARCEL, "watched")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Needs a person")
        self.server.ask(f"/api/tasks/{run}/release", {"data": {"decision": "hold"}})
        browser.one(".run-status", "Succeeded")
        browser.one(".live", "Over")
        browser.click("[role=tab]", "Graph")
        browser.one(".graph .node.is-success[data-path='way/hold']")
        browser.one(".graph .node.is-skipped[data-path='way/send']")

    def test_an_error_shows_its_line(self):
        browser = self.browser
        run = self.server.start("ledger", {"lines": 4}, "wrong")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".error-box", "attempt to index a nil value")
        line = browser.one(".source .is-here")
        self.assertIn("line.amount.value * 2", line.text)
        # The line itself is seen whole, and those around it take one line each, by what they are indented beyond each other.
        heights = browser.js("return [...document.querySelectorAll('.source li:not(.is-here)')].map((item) => item.offsetHeight)")
        self.assertEqual(set(heights), {20})
        self.assertGreater(browser.js("return arguments[0].offsetHeight", line), 20)
        self.assertEqual(browser.js("return document.querySelector('.source code').textContent"), "}")
        browser.click(".error-box a", "compare[3]/parse")
        browser.one(".inspector h2", "parse")
        self.assertIn("step=compare", browser.address)
        # The address leads to the step.
        browser.visit(browser.address)
        browser.one(".step-row.is-selected", "3 · parse")

    def test_filters_stand_in_the_address(self):
        browser = self.browser
        for run in (self.server.start("ledger", {"lines": 3}, "bad"), self.server.start("ledger", {"lines": 1}, "good")):
            self.server.settled(run)
        browser.visit("#/runs")
        browser.one(".run-link", "good")
        browser.click(".chip", "Failed")
        browser.until(lambda: not any(link.text == "good" and link.is_displayed() for link in browser.all(".run-link")), "list without the good one")
        browser.one(".run-link", "bad")
        self.assertEqual(browser.address, "#/runs?status=failed")
        browser.visit("#/runs?status=failed&q=bad")
        browser.one(".run-link", "bad")
        self.assertEqual(browser.one("#filter-q").get_attribute("value"), "bad")
        browser.visit("#/runs?q=nothing-like-it")
        browser.one(".empty", "No run fits these filters")

    def test_the_list_is_live(self):
        browser = self.browser
        browser.visit("#/runs")
        browser.one(".live.is-live")
        self.server.start("slow", {}, "new-one")
        row = browser.one(".run-row", "new-one")
        browser.until(lambda: "Running" in row.text, "row that says Running")
        self.server.ask("/api/runs/new-one/cancel", {})
        browser.until(lambda: "Cancelled" in row.text, "row that says Cancelled")

    def test_cancel_asks_first(self):
        browser = self.browser
        run = self.server.start("slow", {}, "too-slow")
        browser.visit(f"#/runs/{run}")
        browser.click(".actions button", "Cancel")
        browser.click("dialog button", "Close")
        self.assertEqual(self.server.ask(f"/api/runs/{run}?summary=true")["status"], "running")
        browser.click(".actions button", "Cancel")
        browser.fill("#cancel-reason", "no longer wanted")
        browser.click("dialog button", "Cancel the run")
        browser.one(".run-status", "Cancelled")
        browser.one(".inspector .notice", "no longer wanted")

    def test_fork_and_retry_make_new_runs(self):
        browser = self.browser
        run = self.server.start("ledger", {"lines": 5}, "source")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}?step=load")
        browser.click("button", "Fork from here")
        browser.click("dialog label", "With another input")
        browser.fill("dialog textarea", '{"lines": 2}')
        browser.click("dialog button", "Start the new run")
        browser.one(".run-status", "Succeeded")
        browser.one(".inspector .facts a", run)
        browser.visit(f"#/runs/{run}")
        browser.click(".actions button", "Retry")
        browser.click("dialog button", "Start the new run")
        browser.until(lambda: run not in browser.address, "new address")
        browser.one(".run-status", "Failed")

    def test_keyboard_alone(self):
        browser = self.browser
        run = self.server.start("ledger", {"lines": 3}, "keys")
        self.server.settled(run)
        browser.visit("#/runs")
        browser.one(".run-link", "keys")
        browser.press("?")
        browser.one("dialog", "Keys")
        browser.press(Keys.ESCAPE)
        browser.press("/")
        self.assertEqual(browser.js("return document.activeElement.id"), "filter-q")
        browser.press("keys", Keys.ENTER)
        browser.until(lambda: browser.address == "#/runs?q=keys", "filtered address")
        browser.one(".run-link", "keys")
        browser.press(Keys.ESCAPE)
        browser.press("j", Keys.ENTER)
        browser.one(".step-row", "3 · parse")
        browser.press("j", "j", "j", "j", "j")
        browser.one(".step-row.is-selected", "3 · parse")
        browser.one(".inspector h2", "parse")
        browser.press("g", "i")
        browser.one("h1", "Inbox")
        browser.press("g", "w")
        browser.one(".workflow-card")
        browser.press("j")
        self.assertTrue(browser.js("return document.activeElement.matches('.workflow-card a')"))
        # Tab reaches the main parts, each with a ring that can be seen.
        browser.visit("#/runs")
        browser.one(".run-link")
        browser.press(Keys.TAB)
        self.assertTrue(browser.js("const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2"))

    def test_a_hostile_run_changes_nothing(self):
        browser = self.browser
        run = self.server.start("hostile", {}, "<b>hostile</b>")
        self.server.settled(run)
        address = "%3Cb%3Ehostile%3C%2Fb%3E"
        pages = ["#/runs", f"#/runs/{address}?step=say", f"#/runs/{address}?view=events", f"#/runs/{address}?view=graph",
                 f"#/inbox/{address}/ask", "#/workflows", "#/workflows/hostile", "#/workflows/hostile?view=start",
                 "#/workflows/hostile?view=schemas", "#/workflows/hostile?view=source"]
        for page in pages:
            browser.visit(page)
            self.assert_harmless(page, wanted=".run-link, .json, .event-row, .graph .node, .workflow-card, .field, .source")
        browser.visit(f"#/runs/{address}?step=say")
        browser.one(".inspector .unseen", "\\x1b")
        browser.one(".inspector .unseen", "\\u202e")
        self.server.ask(f"/api/tasks/{address}/ask", {"data": {"constructor": "x"}})
        self.server.settled(run)
        browser.visit(f"#/runs/{address}")
        browser.one(".error-box .unseen")
        self.assert_harmless("failed run", wanted=".error-box")

    def assert_harmless(self, page, wanted):
        self.browser.one(wanted)
        found = self.browser.js("""
            return [window.pwned ?? null, document.querySelectorAll('img, iframe, object, embed').length,
              [...document.querySelectorAll('script')].filter((script) => !script.src).length,
              [...document.querySelectorAll('a[href]')].filter((link) => link.protocol === 'javascript:').length,
              document.title.includes('pwned'), ({}).polluted ?? null]""")
        self.assertEqual(found, [None, 0, 0, 0, False, None], page)

    def test_who_may_only_look_is_offered_nothing_else(self):
        browser = self.browser
        run = self.server.start("parcel", PARCEL, "looked-at")
        self.server.settled(run)
        browser.log_in(self.server.make_token("guest", "read"))
        browser.visit(f"#/runs/{run}?step=check")
        browser.one(".who", "guest")
        browser.one(".inspector h2", "check")
        shown = [button.text for button in browser.all("button, a.button") if button.is_displayed()]
        self.assertFalse({"Cancel", "Fork from here", "Answer"} & set(shown), shown)
        browser.visit(f"#/inbox/{run}/release")
        browser.one(".answer", "Your token may look")
        self.assertEqual(browser.all(".answer button[type=submit]"), [])
        browser.visit("#/workflows/parcel")
        browser.one("[role=tab]", "Schemas")
        self.assertNotIn("Start a run", browser.one(".tabs").text)

    def test_a_token_of_one_workflow_shows_that_one(self):
        browser = self.browser
        self.server.settled(self.server.start("ledger", {"lines": 2}, "hidden-one"))
        self.server.settled(self.server.start("bulk", {"count": 2}, "seen-one"))
        token = self.server.make_token("bulk-only", "run", "--workflow", "bulk")
        browser.log_in(token)
        browser.visit("#/runs")
        browser.one(".run-link", "seen-one")
        self.assertEqual({row.text for row in browser.all(".run-workflow") if row.is_displayed()}, {"bulk"})
        browser.until(lambda: "Failed" in browser.one(".chips").text and browser.all(".chip-count")[4].text, "counts")
        self.assertEqual(browser.one(".chip[data-status=failed]").text, "Failed")
        browser.visit("#/workflows")
        browser.one(".workflow-card", "bulk")
        self.assertEqual(len(browser.all(".workflow-card")), 1)

    def test_a_queued_run_says_why_it_has_not_begun(self):
        browser = self.browser
        self.server.start("narrow", {"tenant": "acme"}, "first")
        run = self.server.start("narrow", {"tenant": "acme"}, "second")
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Queued")
        browser.one(".inspector .notice", "concurrency key acme has 1 of 1 running")
        browser.one(".timeline-empty", "No step has begun yet")
        for name in ("first", "second"):
            self.server.ask(f"/api/runs/{name}/cancel", {})

    def test_what_was_undone_stands_beside_its_step(self):
        browser = self.browser
        run = self.server.start("trip", {}, "undone")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Failed")
        notes = {row.text.split("\n")[0]: row.text for row in browser.all(".step-row:not([hidden])")}
        self.assertIn("not undone", notes["car"])
        self.assertIn("undone", notes["hotel"])
        self.assertNotIn("not undone", notes["hotel"])
        browser.one(".bar-undo")
        browser.one(".legend", "Undone")
        browser.one(".strip", "1 undone")

    def test_constructs_of_a_graph_fold(self):
        browser = self.browser
        run = self.server.start("parcel", PARCEL, "folds")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}?view=graph")
        browser.one(".graph .node.is-success[data-path='picking/pick']")
        browser.js("document.querySelector(\".node-fold[aria-label='Fold picking']\").focus()")
        browser.press(Keys.ENTER)
        browser.one(".graph .node.is-success[data-path='picking'][data-folds=closed]")
        self.assertEqual(browser.all(".graph .node[data-path='picking/pick']"), [])
        # The focus stays on what was pressed.
        browser.until(lambda: browser.js("return document.activeElement.getAttribute('aria-label')") == "Unfold picking", "focus")
        browser.press(Keys.ENTER)
        browser.one(".graph .node.is-success[data-path='picking/pick']")
        browser.click(".graph-tools button", "Fold all")
        browser.until(lambda: not browser.all(".graph .node[data-path='way/send']"), "folded branch")

    def test_a_task_has_an_address_however_many_wait_before_it(self):
        browser = self.browser
        first = self.server.start("question", {"about": "the oldest"}, "asked-first")
        self.server.settled(first)
        runs = [self.server.start("question", {"about": f"number {number}"}, f"asked-{number}") for number in range(60)]
        for run in runs:
            self.server.settled(run)
        browser.visit("#/inbox")
        browser.one(".task", "number 59")
        self.assertFalse(any("the oldest" in task.text for task in browser.all(".task")))
        browser.one("#inbox-count")
        browser.until(lambda: int(browser.one("#inbox-count").text.rstrip("+")) >= 61, "count of all that wait")
        browser.visit(f"#/inbox/{first}/ask")
        browser.one(".shown", "the oldest")
        browser.field("answer").send_keys("42")
        browser.click("button", "Send the answer")
        browser.one(".toast", "The answer was taken")
        self.assertEqual(self.server.settled(first), "success")
        for run in runs:
            self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_cards_count_runs_and_health_names_the_node(self):
        browser = self.browser
        self.server.settled(self.server.start("bulk", {"count": 1}, "counted"))
        browser.visit("#/workflows")
        card = browser.one(".workflow-card", "Many items")
        card.find_element("css selector", ".badge.is-success").click()
        browser.one(".run-link", "counted")
        self.assertEqual(browser.address, "#/runs?workflow=bulk&status=success")
        browser.visit("#/health")
        browser.one(".nodes th[scope=row]", "(this server)")
        browser.one(".nodes td", "Alive")

    def test_a_long_run_gives_what_a_step_got_when_it_is_asked(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 1200}, "asked-for")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}?step=each%5B7%5D%2Fsquare")
        browser.one(".inspector .json", "square: 49")
        browser.one(".inspector .json", "n: 7")
        browser.click("[role=tab]", "Events")
        browser.fill("input[aria-label='Filter events']", "each[1200]")
        browser.click(".event-row", "step:success")
        browser.one(".event-value .json", "square: 1440000")
        self.assertEqual(browser.audit(), [])

    def test_pages_come_as_gzip(self):
        self.browser.visit("#/runs")
        self.browser.one("h1", "Runs")
        sizes = self.browser.js("""
            return performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/assets/'))
              .map((entry) => [entry.encodedBodySize, entry.decodedBodySize])""")
        self.assertGreater(len(sizes), 5)
        self.assertLess(sum(packed for packed, _ in sizes), 120_000)

    def test_a_run_of_many_steps_holds_few_rows(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 5000}, "many")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".run-status", "Succeeded")
        fold = browser.one(".step-row.is-fold", "4,984 more")
        fold.click()
        rows = browser.until(lambda: browser.js(
            "const list = document.querySelector('.timeline .virtual'); list.scrollTop = 1e9; return list.scrollHeight > 5000 * 30 && document.querySelectorAll('.step-row').length"), "long list")
        self.assertLess(rows, 100)
        browser.one(".step-row", "5000 · square")
        # After a jump all that can be seen is there at once.
        gaps = browser.js("""
            const list = document.querySelector('.timeline .virtual');
            const gaps = [];
            const jump = async (top) => {
              list.scrollTop = top;
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              const box = list.getBoundingClientRect();
              const rows = [...list.querySelectorAll('.step-row:not([hidden])')].map((row) => row.getBoundingClientRect().top - box.top);
              const wanted = Math.floor(box.height / 32);
              const seen = new Set(rows.filter((top) => top > -32 && top < box.height).map((top) => Math.round(top / 32)));
              if (seen.size < wanted) gaps.push([top, seen.size, wanted]);
            };
            return (async () => { for (const top of [80_000, 1000, 120_017, 64_003]) await jump(top); return gaps; })();""")
        self.assertEqual(gaps, [])

    def test_pages_are_sound_at_every_width_in_light_and_dark(self):
        browser = self.browser
        failed, waits = self.server.start("ledger", {"lines": 4}, "sound-1"), self.server.start("parcel", PARCEL, "sound-2")
        for run in (failed, waits):
            self.server.settled(run)
        pages = {
            "#/runs": ".run-link", f"#/runs/{failed}": ".source .is-here", f"#/runs/{waits}?view=graph": ".graph .node.is-success",
            f"#/runs/{waits}?view=events": ".event-row", f"#/inbox/{waits}/release": ".answer", "#/workflows": ".workflow-card",
            "#/workflows/parcel": ".graph .node", "#/workflows/parcel?view=start": ".start", "#/schedules": ".schedules .card", "#/health": ".status-line",
        }
        for page, wanted in pages.items():
            browser.screen(1440)
            browser.visit(page)
            browser.one(wanted)
            for width in SCREENS:
                for theme in ("light", "dark"):
                    with self.subTest(page=page, width=width, theme=theme):
                        browser.screen(width, theme)
                        browser.js("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                        self.assertEqual(browser.audit(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
