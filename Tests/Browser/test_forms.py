"""Forms: numbers that stay what they are, fields of every kind, and answers that go where they were meant to."""

import json
import unittest

from browser import Keys
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

    def test_a_choice_of_many_that_is_needed_is_asked_for(self):
        browser = self.browser
        run = self.server.start("approval", {"about": "many"}, "many")
        self.server.settled(run)
        browser.visit(f"#/inbox/{run}/approve")
        browser.choose("Wide", "short")
        browser.click(".answer button[type=submit]")
        browser.one(".field-error", "Choose at least one")
        self.assertTrue(browser.js("return document.activeElement.matches('fieldset input')"))
        browser.click(".answer .check", "b")
        browser.click(".answer button[type=submit]")
        browser.one(".toast", "The answer was taken")
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

    def errors(self):
        """What fields say that is wrong, by the label of each."""
        return self.browser.js("""
            return Object.fromEntries([...document.querySelectorAll('.field-error')].filter((error) => error.checkVisibility() && error.textContent)
              .map((error) => [error.closest('.field, fieldset').querySelector('label, legend').firstChild.data, error.textContent]));""")

    def test_limits_are_said_before_a_run_begins(self):
        browser = self.browser
        browser.visit("#/workflows/limits?view=start")
        for hint in ("at least 3 characters, at most 8 characters, like ^[a-z]+$", "more than 0, at most 1", "at least 1, at most 5", "at most 3 entries"):
            browser.one(".help", hint)
        for label, text in (("name", "A1"), ("share", "2"), ("sku", "a"), ("count", "1e3")):
            browser.field(label).send_keys(text)
        browser.field("owner").send_keys("Ada")
        browser.choose("size", "small")
        browser.click("button", "Start the run")
        browser.until(lambda: len(self.errors()) >= 4, "four errors")
        self.assertEqual(self.errors(), {
            "name": "It has to be like ^[a-z]+$", "share": "It has to be at most 1", "sku": "It has to have at least 3 characters", "count": "It has to be at most 5"})
        self.assertTrue(browser.js("return document.activeElement.matches('[aria-invalid=true]')"))
        self.assertEqual(self.server.ask("/api/runs?workflow=limits")["runs"], [])
        for label, text in (("name", "abc"), ("share", "0.5"), ("sku", "abc"), ("count", "5")):
            browser.fill_field(label, text)
        browser.click("button[aria-label='Remove items 1']")
        browser.click("button", "Start the run")
        browser.one(".field-error", "It has to have at least 1 entry")
        browser.click("button", "Add to items")
        browser.fill_field("sku", "abc")
        browser.fill_field("count", "5")
        browser.click("button", "Start the run")
        self.assertEqual(json.loads(self.input_of(self.started()))["items"], [{"sku": "abc", "count": 5}])
        # Who comes back finds what they typed, and may begin anew.
        browser.driver.back()
        self.assertEqual(browser.field("name").get_attribute("value"), "abc")
        browser.click("button", "Begin with an empty form")
        browser.until(lambda: browser.field("name").get_attribute("value") == "", "empty form")

    def test_json_keeps_to_the_limits_and_loses_nothing(self):
        browser = self.browser
        browser.visit("#/workflows/limits?view=start")
        browser.click("button", "Write JSON instead")
        area = browser.fill("textarea[aria-label='Input as JSON']", '{"name":"abcd","more":1}')
        browser.click("button", "Start the run")
        browser.one(".field-error", "share: This is needed")
        self.assertTrue(browser.js("return document.activeElement === arguments[0]", area))
        browser.click("button", "Use the fields")
        browser.one(".field-error", "No field can hold more")
        self.assertIn('"more"', area.get_attribute("value"))
        browser.fill("textarea[aria-label='Input as JSON']", '{"name":"abcd"}')
        browser.click("button", "Use the fields")
        self.assertEqual(browser.field("name").get_attribute("value"), "abcd")

    def test_entries_of_a_list_keep_their_names_and_the_focus(self):
        browser = self.browser
        browser.visit("#/workflows/limits?view=start")
        for _ in range(2):
            browser.click("button", "Add to items")
        names = lambda: [legend.text for legend in browser.all(".items legend")]
        self.assertEqual(names(), ["items 1", "items 2", "items 3"])
        browser.js("document.querySelectorAll('.items .item')[2].querySelector('input').value = 'third'")
        browser.js("document.querySelector(\"[aria-label='Remove items 2']\").focus()")
        browser.press(Keys.ENTER)
        self.assertEqual(names(), ["items 1", "items 2"])
        self.assertEqual(browser.js("return document.activeElement.getAttribute('aria-label')"), "Remove items 2")
        self.assertEqual(browser.js("return document.querySelectorAll('.items .item')[1].querySelector('input').value"), "third")
        browser.press(Keys.ENTER)
        browser.press(Keys.ENTER)
        self.assertEqual(names(), [])
        self.assertEqual(browser.js("return document.activeElement.textContent"), "Add to items")

    def test_another_kind_keeps_what_both_have(self):
        browser = self.browser
        browser.visit("#/workflows/limits?view=start")
        browser.field("owner").send_keys("Ada")
        browser.choose("kind", "bill")
        self.assertEqual(browser.field("owner").get_attribute("value"), "Ada")
        browser.field("days").send_keys("30")
        browser.choose("kind", "card")
        browser.choose("kind", "bill")
        self.assertEqual(browser.field("days").get_attribute("value"), "30")

    def test_a_secret_that_is_not_shown_is_not_sent(self):
        browser = self.browser
        run = self.server.start("vault", {"user": "ada", "password": "hunter2"}, "safe")
        self.server.settled(run)
        browser.visit("#/runs/safe?step=login")
        browser.click(".inspector .button", "Fork from here")
        browser.click("dialog label", "With another input")
        browser.one("dialog .help", "What is secret is not shown")
        browser.click("dialog button", "Start the new run")
        browser.one("dialog .notice", "Write a value in place of")
        self.assertEqual(browser.address, "#/runs/safe?step=login")
        # The mark is selected, so that what is typed takes its place.
        browser.press("swordfish-9")
        browser.click("dialog button", "Start the new run")
        browser.until(lambda: "safe" not in browser.address, "page of the fork")
        self.assertEqual(self.server.ask(f"/api/runs/{self.started()}")["steps"]["login"][0]["output"], {"user": "ada", "size": 11})

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
