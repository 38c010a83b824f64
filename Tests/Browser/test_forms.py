"""Forms: numbers that stay what they are, fields of every kind, and answers that go where they were meant to."""

import json
import unittest

from cases import LoggedInCase

EXACT = '{"a":9007199254740993,"b":9223372036854775807,"e":-0.0,"f":0.1,"g":[-9007199254740995]}'


class FormTests(LoggedInCase):
    def input_of(self, run):
        """What the step of a run got, as JSON."""
        return self.text_of(self.server.ask(f"/api/runs/{run}")["steps"]["echo"][0]["input"])

    @staticmethod
    def text_of(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def started(self):
        """The run to whose page a form has led."""
        self.browser.one(".run-status", "Succeeded")
        return self.browser.address.split("?")[0].split("/")[2]

    def test_large_integers_are_shown_as_they_are(self):
        browser = self.browser
        self.server.start("anything", json.loads(EXACT), "exact")
        self.server.settled("exact")
        browser.visit("#/runs/exact?step=echo")
        shown = browser.one(".inspector .json", "9007199254740993").text
        for text in ("b: 9223372036854775807", "e: -0.0", "f: 0.1", "-9007199254740995"):
            self.assertIn(text, shown)
        # What is forked starts from the same text.
        browser.click("button", "Fork from here")
        browser.click("dialog label", "With another input")
        self.assertIn('"b": 9223372036854775807', browser.one("dialog textarea").get_attribute("value"))
        browser.click("dialog button", "Start the new run")
        browser.until(lambda: "exact" not in browser.address, "page of the fork")
        fork = self.started()
        self.assertEqual(self.input_of(fork), EXACT)

    def test_large_integers_are_sent_as_they_were_typed(self):
        browser = self.browser
        browser.visit("#/workflows/anything?view=start")
        area = browser.one("textarea.code")
        area.clear()
        area.send_keys(EXACT)
        browser.click("button", "Start the run")
        self.assertEqual(self.input_of(self.started()), EXACT)
        browser.visit("#/workflows/shapes?view=start")
        browser.one(".help", "at most 9007199254740993")
        browser.field("mail").send_keys("a@example.org")
        browser.field("big").send_keys("9007199254740993")
        browser.click("button", "Write JSON instead")
        self.assertIn('"big": 9007199254740993', browser.one("textarea[aria-label='Input as JSON']").get_attribute("value"))
        browser.click("button", "Use the fields")
        self.assertEqual(browser.field("big").get_attribute("value"), "9007199254740993")
        browser.click("button", "Start the run")
        self.assertIn('"big":9007199254740993', self.input_of(self.started()))

    def test_fields_stand_as_people_count_and_have_names(self):
        browser = self.browser
        browser.visit("#/workflows/shapes?view=start")
        browser.field("mail")
        labels = [label.text for label in browser.all(".start .fields label") if label.is_displayed()]
        numbered = [label.split(" ")[0] for label in labels if label.startswith("field_")]
        self.assertEqual(numbered, ["field_1", "field_2", "field_10"])
        self.assertEqual(labels[0], "mail")
        self.assertTrue(any(label.startswith("(empty name)") for label in labels), labels)
        self.assertEqual(browser.field("pass").get_attribute("type"), "password")

    def test_a_text_of_a_format_may_not_be_empty(self):
        browser = self.browser
        browser.visit("#/workflows/shapes?view=start")
        browser.field("mail")
        browser.click("button", "Start the run")
        browser.one(".field-error", "This is needed")
        self.assertIn("view=start", browser.address)

    def test_defaults_are_seen_and_null_is_said(self):
        browser = self.browser
        browser.visit("#/workflows/shapes?view=start")
        self.assertEqual(browser.field("city").get_attribute("value"), "Oslo")
        browser.field("mail").send_keys("a@example.org")
        browser.click(".nullable .check", "No value (null)")
        self.assertFalse(browser.field("note").is_enabled())
        browser.click("button", "Start the run")
        found = json.loads(self.input_of(self.started()))
        self.assertEqual(found, {"mail": "a@example.org", "note": None, "place": {"city": "Oslo"}})

    def test_a_second_press_does_not_answer_the_next_task(self):
        browser = self.browser
        runs = [self.server.start("question", {"about": f"press {number}"}, f"press-{number}") for number in (1, 2, 3)]
        for run in runs:
            self.server.settled(run)
        browser.visit("#/inbox/press-2/ask")
        browser.one(".shown", "press 2")
        browser.field("answer").send_keys("yes")
        # Presses the button of whatever task is shown, as often as a frame comes, until the next task has come.
        browser.js("""
            let left = 60;
            const press = () => {
              document.querySelector('.answer')?.querySelector('input')?.setAttribute('value', 'again');
              document.querySelector('.answer button[type=submit]')?.click();
              if ((left -= 1) > 0 && !document.querySelector('.shown')?.textContent.includes('press 1')) requestAnimationFrame(press);
              else document.querySelector('.answer button[type=submit]')?.click();
            };
            press();""")
        # On to the task after the one that was answered, in the order of the list.
        browser.one(".shown", "press 1")
        self.assertEqual(browser.address, "#/inbox/press-1/ask")
        self.assertFalse(browser.one(".answer button[type=submit]").is_enabled())
        self.assertEqual([self.server.ask(f"/api/runs/{run}?summary=true")["status"] for run in runs], ["waiting_human", "success", "waiting_human"])
        browser.until(lambda: browser.one(".answer button[type=submit]").is_enabled(), "button that can be pressed again")
        for run in runs:
            self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_a_chosen_task_and_its_answer_are_in_reach(self):
        browser = self.browser
        runs = [self.server.start("approval", {"about": f"reach {number}", "rows": 5000}, f"reach-{number}") for number in range(30)]
        for run in runs:
            self.server.settled(run)
        browser.visit("#/inbox/reach-0/approve")
        browser.one(".answer")
        inside = "const a = document.querySelector(arguments[0]).getBoundingClientRect(), b = document.querySelector(arguments[1]).getBoundingClientRect(); return a.top >= b.top - 1 && a.bottom <= b.bottom + 1;"
        self.assertTrue(browser.js(inside, ".task[aria-current]", ".task-list"))
        self.assertTrue(browser.js("return document.querySelector('.answer').getBoundingClientRect().top < innerHeight"))
        for width in (1440, 1024, 390):
            browser.screen(width)
            self.assertEqual(browser.audit(), [], width)
        for run in runs:
            self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_who_may_only_look_reads_what_is_asked(self):
        browser = self.browser
        run = self.server.start("approval", {"about": "readers"}, "read-only")
        self.server.settled(run)
        browser.log_in(self.server.make_token("reader", "read"))
        browser.visit(f"#/inbox/{run}/approve")
        asked = browser.one(".answer", "Your token may look")
        self.assertIn("one of", asked.text)
        self.assertEqual(browser.all(".answer input, .answer select, .answer textarea, .answer button"), [])
        self.assertEqual(browser.audit(), [])
        browser.visit("#/workflows/shapes?view=start")
        browser.one(".notice", "Your token may look, and not start a run")
        browser.one(".notice .facts", "a whole number")
        self.server.ask(f"/api/runs/{run}/cancel", {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
