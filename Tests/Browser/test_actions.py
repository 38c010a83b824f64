"""What can be done to runs and schedules: send an event, retry, move to newer code, pause, copy."""

import pathlib
import shutil
import unittest

from browser import HERE, Keys, Server
from cases import LoggedInCase


class ActionTests(LoggedInCase):
    @classmethod
    def make_server(cls):
        cls.scripts = pathlib.Path(cls.folder.name) / "flows"
        shutil.copytree(HERE / "flows", cls.scripts)
        return Server(cls.folder.name, str(cls.scripts))

    def test_an_event_is_sent_by_its_form(self):
        browser = self.browser
        run = self.server.start("payment", {"order": "B-1", "cents": 5}, "by-event")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.click(".notice button", "Send")
        browser.one("dialog h2", "Send the event paid?")
        browser.click("dialog button", "Send the event")
        browser.one("dialog .field-error", "Choose one")
        # Said once, at its field.
        self.assertEqual(browser.all("dialog .notice"), [])
        browser.choose("by", "transfer")
        browser.click("dialog button", "Send the event")
        browser.one(".toast", "The event was sent")
        browser.one(".run-status", "Needs a person")
        browser.visit(f"#/runs/{run}?step=settled")
        browser.one(".inspector .json", 'by: "transfer"')

    def move(self, run, change):
        """Has a run wait at its old code, with newer code beside it."""
        self.server.settled(self.server.start("question", {"about": "code"}, run))
        self.server.stop()
        script = self.scripts / "question.lua"
        text = script.read_text(encoding="utf-8")
        script.write_text(change(text), encoding="utf-8")
        self.addCleanup(script.write_text, text, encoding="utf-8")
        self.server.begin()
        self.browser.visit(f"#/runs/{run}")
        self.browser.one(".run-status", "Needs a person")
        self.browser.click(".actions button", "Upgrade")

    def test_an_upgrade_shows_first_what_fits(self):
        browser = self.browser
        self.move("moves", lambda text: text.replace(":commit()", ':step { id = "thank", handler = function(answer) return answer end }\n  :commit()'))
        browser.one("dialog h2", "Move this run to the newest code?")
        browser.one("dialog .fits", "fits")
        # Nothing has moved yet.
        self.assertNotIn("thank", str(self.server.ask("/api/runs/moves/events")))
        browser.click("dialog button", "Move the run")
        browser.one(".toast", "The run was moved")
        self.server.ask("/api/tasks/moves/ask", {"data": {"answer": "yes"}})
        browser.one(".step-row", "thank")
        browser.one(".run-status", "Succeeded")

    def test_an_upgrade_that_does_not_fit_is_not_offered(self):
        browser = self.browser
        self.move("stays", lambda text: text.replace('id = "ask"', 'id = "other"'))
        browser.one("dialog h2", "This run cannot be moved to the newest code")
        browser.one("dialog", "fit")
        self.assertEqual(browser.all("dialog button[type=submit]"), [])
        browser.click("dialog button", "Close")
        self.assertEqual(self.server.ask("/api/runs/stays?summary=true")["status"], "waiting_human")

    def test_a_run_that_was_moved_is_not_offered_the_same_again(self):
        browser = self.browser
        self.move("moved-once", lambda text: text.replace(":commit()", ':step { id = "note", handler = function(answer) return answer end }\n  :commit()'))
        before = browser.one(".inspector .facts code[title]").get_attribute("title")
        browser.click("dialog button", "Move the run")
        browser.one(".toast", "The run was moved")
        browser.until(lambda: not any(button.text == "Upgrade" for button in browser.all(".actions button")), "page without Upgrade")
        browser.until(lambda: browser.one(".inspector .facts code[title]").get_attribute("title") != before, "newer code")
        self.assertNotEqual(browser.js("return document.activeElement.tagName"), "BODY")
        self.server.ask("/api/runs/moved-once/cancel", {})

    def test_a_form_of_older_code_is_not_sent(self):
        browser = self.browser
        browser.visit("#/workflows/bulk?view=start")
        browser.field("count").send_keys("2")
        self.server.stop()
        script = self.scripts / "bulk.lua"
        text = script.read_text(encoding="utf-8")
        self.addCleanup(script.write_text, text, encoding="utf-8")
        script.write_text(text.replace("count = s.integer() }", "count = s.integer(), why = s.string() }"), encoding="utf-8")
        self.server.begin()
        browser.click("button", "Start the run")
        browser.one(".start .notice", "What this workflow takes has changed")
        self.assertEqual(browser.field("count").get_attribute("value"), "2")
        browser.field("why").send_keys("to see")
        browser.click("button", "Start the run")
        browser.one(".run-status", "Succeeded")

    def test_a_fork_is_offered_where_it_begins(self):
        browser = self.browser
        self.server.settled(self.server.start("rounds", {"n": 60}, "rounds-fork"))
        browser.visit("#/runs/rounds-fork?step=try~3")
        browser.one(".inspector", "A fork goes back to the first start of a step")
        self.assertFalse(any("Fork" in button.text for button in browser.all(".inspector button")))
        browser.click(".inspector a", "Show the first start")
        browser.one(".inspector button", "Fork from here")
        browser.until(lambda: browser.address == "#/runs/rounds-fork?step=try", "address of the first start")

    def test_what_came_of_a_run_is_listed_beside_it(self):
        browser = self.browser
        run = self.server.start("ledger", {"lines": 4}, "forebear")
        self.server.settled(run)
        forks = [self.server.ask(f"/api/runs/{run}/fork", {"from": "load", "input": {"lines": lines}})["runId"] for lines in (2, 5)]
        for fork in forks:
            self.server.settled(fork)
        browser.visit(f"#/runs/{run}")
        browser.until(lambda: len(browser.all(".lineage a")) == 2, "runs that came of it")
        self.assertEqual({link.get_attribute("title") for link in browser.all(".lineage a")}, set(forks))
        browser.one(".lineage .is-success")
        browser.one(".lineage .is-failed").find_element("xpath", "following-sibling::a").click()
        browser.until(lambda: forks[1] in browser.address, "address of the fork")
        browser.one(".inspector .facts a", run)
        self.assertEqual(browser.all(".lineage a"), [])
        # The list of them, and the way back to all.
        browser.visit(f"#/runs?lineage={run}")
        browser.one(".page-head .muted", "2 runs")
        browser.until(lambda: browser.one(".chip[data-status=failed]").text.split() == ["Failed", "1"], "count of what failed")
        browser.click(".chip", f"Came from {run}")
        browser.one(".run-link", run)
        self.assertEqual(browser.address, "#/runs")

    def test_a_schedule_is_paused_resumed_and_begun_now(self):
        browser = self.browser
        browser.visit("#/schedules")
        card = browser.until(lambda: next((card for card in browser.all(".schedules .card") if "weekday" in card.text), None), "schedule")
        self.assertIn("Europe/Oslo", card.text)
        card.find_element("xpath", ".//button[contains(., 'Pause')]").click()
        browser.one(".toast", "The schedule is paused")
        browser.one(".schedule-head", "Paused")
        browser.until(lambda: any(one["paused"] for one in self.server.ask("/api/schedules")["schedules"]), "paused schedule")
        browser.click(".schedules .card button", "Resume")
        browser.one(".toast", "The schedule goes on")
        browser.click(".schedules .card button", "Run now")
        browser.one(".run-status", "Succeeded")

    def test_many_schedules_take_few_requests_and_keep_the_focus(self):
        browser = self.browser
        entries = "".join(f'{{ id = "plan-{number}", every = "{number + 10}h" }}, ' for number in range(60))
        script = self.scripts / "plans.lua"
        script.write_text(f'return require("aikit").workflow {{ id = "plans", schedules = {{ {entries} }} }}'
                          ':step { id = "go", handler = function() return 1 end }:commit()', encoding="utf-8")
        self.server.stop()
        self.server.begin()
        self.addCleanup(script.unlink)
        browser.visit("#/schedules")
        browser.one(".schedules .card", "plan-1")
        browser.until(lambda: browser.js("return !document.querySelector('.schedules .card').textContent.includes('…')"), "later times")
        asked = "return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/schedules')).length"
        self.assertLess(browser.js(asked), 20)
        browser.fill("#filter-schedules", "plan-41")
        browser.until(lambda: [card.text.split("\n")[0] for card in browser.all(".schedules .card") if card.is_displayed()] == ["plan-41"], "one schedule")
        self.assertEqual(browser.address, "#/schedules?q=plan-41")
        pause = next(button for button in browser.all(".schedules .button") if button.is_displayed() and button.text == "Pause")
        browser.js("arguments[0].focus()", pause)
        browser.press(Keys.ENTER)
        browser.until(lambda: browser.js("return document.activeElement.textContent") == "Resume", "focus on the same button")
        # What others do is seen, and nothing moves.
        browser.js("window.card = document.activeElement.closest('.card')")
        self.server.ask(f"/api/schedules/{browser.js('return window.card.dataset.schedule')}/resume", {})
        browser.until(lambda: browser.js("return document.activeElement.textContent") == "Pause", "schedule that goes on")
        known = len(self.server.ask("/api/runs?workflow=plans&limit=100")["runs"])
        browser.js("const run = window.card.querySelector('.button'); run.click(); run.click();")
        browser.one(".run-status", "Succeeded")
        self.assertEqual(len(self.server.ask("/api/runs?workflow=plans&limit=100")["runs"]), known + 1)

    def test_values_are_copied(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 3}, "copied")
        self.server.settled(run)
        browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        browser.visit(f"#/runs/{run}?step=each%5B2%5D%2Fsquare")
        browser.one(".inspector .json", "square: 4")
        browser.click("button[aria-label='Copy Output']")
        browser.one(".toast", "Output copied")
        self.assertEqual(browser.js("return navigator.clipboard.readText()"), '{\n  "square": 4\n}')

    def test_a_tree_folds(self):
        browser = self.browser
        run = self.server.start("bulk", {"count": 3}, "folded")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".inspector .json", "count: 3")
        browser.click(".inspector .json summary")
        browser.one(".inspector .json summary", "{count}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
