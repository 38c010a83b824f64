"""Very many events, very large values and texts of every script: the page holds few elements, counts right and runs none of it."""

import threading
import unittest

from cases import LoggedInCase


class FloodTests(LoggedInCase):
    def elements(self):
        return self.browser.js("return document.querySelectorAll('*').length")

    def test_a_list_over_which_runs_pour_stays_small_and_right(self):
        browser = self.browser
        browser.visit("#/runs?workflow=bulk")
        browser.one(".live.is-live")

        def pour(part):
            for number in range(150):
                self.server.start("bulk", {"count": 1}, f"pour-{part}-{number:03}")
        threads = [threading.Thread(target=pour, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        # The page can be used meanwhile.
        browser.click(".chip", "Failed")
        browser.until(lambda: "status=failed" in browser.address, "filtered address")
        browser.click(".chip", "Failed")
        for thread in threads:
            thread.join()
        browser.one(".run-link", "pour-")
        browser.visit("#/runs?workflow=bulk")
        browser.until(lambda: browser.one(".page-head .muted").text == "600 runs", "count of all runs")
        browser.until(lambda: all("Succeeded" in row.text for row in browser.all(".run-row:not([hidden], .run-head)")), "rows that are over")
        self.assertLess(self.elements(), 2500)

    def test_a_run_that_pours_events_while_it_is_watched(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 10_000}, "ten-thousand")
        browser.visit(f"#/runs/{run}?view=events")
        browser.one(".event-row")
        # Another view, another page and back, while events come.
        browser.click("[role=tab]", "Timeline")
        browser.one(".step-row", "each")
        self.assertEqual(self.server.settled(run), "success")
        browser.one(".run-status", "Succeeded")
        browser.one(".live", "Over")
        browser.until(lambda: "10,001" in browser.one(".strip").text, "count of all steps")
        browser.one(".step-row.is-fold", "9,984 more")
        self.assertLess(self.elements(), 2500)
        browser.click("[role=tab]", "Graph")
        browser.one(".graph .node-count", "10K/10K")

    def test_logs_without_end_and_values_without_measure(self):
        browser = self.browser
        run = self.server.start("torrent", {"lines": 3000, "size": 20_000}, "torrent")
        self.assertEqual(self.server.settled(run), "success")
        browser.visit(f"#/runs/{run}?view=logs")
        browser.one(".event-row", "line 3000")
        browser.one(".tab", "3,000")
        browser.visit(f"#/runs/{run}?step=show")
        browser.one(".inspector .json", "long")
        self.assertLess(self.elements(), 6000)
        browser.click(".inspector .json button.link", "characters")
        browser.one(".inspector .json-key", "العربية")
        self.assertEqual(browser.audit(), [])
        # What cannot be seen is written out, and what belongs together stays so.
        text = browser.one(".inspector").text
        self.assertIn("\\x1b", text)
        self.assertIn("👩‍👩‍👧‍👦", text)
        browser.click(".inspector button.link", "Show 100 more")
        self.assertLess(self.elements(), 8000)

    def test_names_of_any_length_and_script_break_no_page(self):
        browser = self.browser
        names = ["r" * 200, "ש" * 90, "run/with?all#of&it=%25", "🚚" * 40, "a b\u202ec", "  ", "👩‍👩‍👧‍👦-familie"]
        runs = []
        for name in names:
            answer = self.server.ask("/api/workflows/question/runs", {"inputData": {"about": name}, "runId": name})
            if "runId" in answer:
                runs.append(answer["runId"])
        self.assertGreaterEqual(len(runs), 4)
        for run in runs:
            self.server.settled(run)
        for width in (1440, 390):
            browser.screen(width)
            browser.visit("#/runs?workflow=question")
            browser.one(".run-link")
            self.assertEqual(browser.audit(), [])
            self.assertNotIn("", [link.text.strip() for link in browser.all(".run-link") if link.is_displayed()])
            for run in runs:
                browser.visit("#/runs/" + browser.js("return encodeURIComponent(arguments[0])", run))
                browser.one(".run-status", "Needs a person")
                self.assertEqual(browser.audit(), [], run)
                # A long name leaves its room to the run.
                self.assertLess(browser.js("return document.querySelector('.run-title').offsetHeight"), 60)
                browser.click("a.button", "Answer")
                browser.one(".answer")
                self.assertEqual(browser.audit(), [], run)
        for run in runs:
            self.server.ask("/api/runs/" + browser.js("return encodeURIComponent(arguments[0])", run) + "/cancel", {})

    def test_five_hundred_tasks_are_read_by_pages(self):
        browser = self.browser
        runs = [self.server.start("question", {"about": f"number {number}"}, f"many-{number:03}") for number in range(500)]
        self.server.settled(runs[-1])
        browser.visit("#/inbox")
        browser.one(".task", "number 499")
        browser.one(".page-head", "50 tasks or more")
        browser.one("#inbox-count", "99+")
        browser.click(".task-list .button", "Show more")
        browser.until(lambda: len(browser.all(".task")) == 100, "second page")
        browser.one(".answer")
        # Both keys before the browser tells of the first new address.
        browser.js("for (const key of 'jj') document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))")
        browser.one(".shown", "number 497")
        self.server.start("question", {"about": "one more"}, "many-500")
        browser.one(".task", "one more")
        self.assertEqual(len(browser.all(".task")), 100, "what came shortened the list")
        browser.one(".shown", "number 497")
        self.assertEqual(browser.audit(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
