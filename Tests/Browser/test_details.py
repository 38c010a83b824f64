"""What the pages say of a run and of the server: only what is so, as long as it is so, at every width."""

import unittest

from browser import Keys
from cases import LoggedInCase


class DetailTests(LoggedInCase):
    def test_a_list_says_what_is_being_undone(self):
        browser = self.browser
        browser.visit("#/runs?workflow=regret")
        browser.one(".live.is-live")
        self.server.start("regret", {}, "regret-1")
        browser.one(".run-row .badge", "Undoing book")
        browser.visit("#/workflows")
        browser.visit("#/runs?workflow=regret")
        browser.one(".run-row .badge", "Undoing book")

    def test_a_list_and_a_run_count_the_same_entries(self):
        browser = self.browser
        run = self.server.start("payment", {"order": "B-1", "cents": 5}, "counted")
        self.server.settled(run)
        entries = self.server.ask(f"/api/runs/{run}?summary=true")["events"]
        events = len(self.server.ask(f"/api/runs/{run}/events")["events"])
        # Some entries are told to nobody.
        self.assertGreater(entries, events)
        browser.visit(f"#/runs?q={run}")
        browser.one(".run-head", "Entries")
        self.assertEqual(browser.one(".run-row:not(.run-head) .run-entries").text, str(entries))
        browser.click(".run-link")
        browser.until(lambda: f"Entries\n{entries}" in browser.one(".strip").text, "entries of the run")
        self.assertEqual("".join(browser.one("[role=tab]", "Events").text.split()), f"Events{events}")

    def test_the_filter_by_id_stands_in_the_address_while_it_is_typed(self):
        browser = self.browser
        for name in ("typed-1", "typed-2", "other-1"):
            self.server.settled(self.server.start("anything", {}, name))
        browser.visit("#/runs")
        browser.one(".run-link", "other-1")
        browser.press("/", "typed")
        browser.until(lambda: browser.address == "#/runs?q=typed", "address of the filter")
        browser.until(lambda: {link.text for link in browser.all(".run-row:not([hidden]) .run-link")} == {"typed-1", "typed-2"}, "list of two")
        # Who types goes on typing.
        self.assertEqual(browser.js("return document.activeElement.id"), "filter-q")
        browser.press("-2")
        browser.until(lambda: [link.text for link in browser.all(".run-row:not([hidden]) .run-link")] == ["typed-2"], "list of one")
        browser.press(*[Keys.BACKSPACE] * 7)
        browser.one(".run-link", "other-1")
        self.assertEqual(browser.address, "#/runs")
        browser.press("none-of-them")
        browser.one(".empty", "No run fits these filters")

    def test_a_chosen_status_is_in_sight_on_a_phone(self):
        browser = self.browser
        browser.screen(390)
        browser.visit("#/runs?status=failed%2Ccancelled")
        inside = "const a = document.querySelector('#status-failed').getBoundingClientRect(), b = document.querySelector('.chips').getBoundingClientRect(); return a.left >= b.left && a.right <= b.right"
        browser.until(lambda: browser.js(inside), "the chosen status")

    def test_a_step_that_is_not_there_is_said(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "no-step"))
        browser.visit("#/runs/no-step?step=nope%5B3%5D%2Fx")
        browser.one(".inspector .notice", "This run has no step nope[3]/x")
        browser.click(".step-row", "echo")
        browser.one(".inspector h2", "echo")
        browser.press(Keys.ESCAPE)
        browser.one(".inspector h2", "Run")
        self.assertEqual(browser.all(".inspector .notice"), [])

    def test_a_run_that_was_removed_is_no_longer_shown(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "removed"))
        browser.visit("#/runs/removed")
        browser.one(".run-status", "Succeeded")
        browser.one(".inspector .json")
        self.assertIsNone(self.server.ask("/api/runs/removed", method="DELETE"))
        browser.js("window.dispatchEvent(new Event('focus'))")
        browser.one(".empty", "This run was removed")
        self.assertEqual(browser.all(".run-status"), [])

    def test_a_large_run_says_that_it_is_loading(self):
        browser = self.browser
        self.server.settled(self.server.start("bulk", {"count": 4000}, "loading"))
        seen = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
            window.seen = [];
            const look = () => {
              const words = (name) => document.querySelector(name)?.textContent ?? '';
              const bar = document.querySelector('.reading');
              const strip = Object.fromEntries([...document.querySelectorAll('.strip div')].map((part) => [part.firstChild.textContent, part.lastChild.textContent]));
              if (bar) window.seen.push([!bar.hidden, strip.Steps, [...document.querySelectorAll('.step-row:not([hidden]) .step-note')].map((note) => note.textContent).filter((text) => text.includes('/'))]);
              requestAnimationFrame(look);
            };
            look();"""})
        try:
            browser.visit("#/runs/loading")
            browser.one(".strip", "4,001")
        finally:
            browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": seen["identifier"]})
        frames = browser.js("return window.seen")
        reading = [frame for frame in frames if frame[0]]
        self.assertGreater(len(reading), 0)
        for _, steps, notes in reading:
            self.assertEqual((steps, notes), ("–", []))
        self.assertFalse({steps for _, steps, _ in frames} - {"–", "4,001"})
        self.assertEqual(browser.audit(), [])

    def test_times_of_a_short_run_are_said_once(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "short"))
        browser.visit("#/runs/short")
        browser.one(".tick-end")
        ticks = [tick.text for tick in browser.all(".ruler .tick")]
        told = [text.replace("0 ms", "0") if text == "0 ms" else text for text in ticks]
        self.assertEqual(len(told), len(set(told)), ticks)

    def test_a_wait_does_not_look_like_work(self):
        browser = self.browser
        run = self.server.start("question", {"about": "waits"}, "waits-long")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        # As soon as the wait is long beside the work it is cut short, and still most of the row.
        browser.one(".timeline-tools", "Cut waits short")
        widths = browser.js("return ['run', 'person'].map((kind) => document.querySelector(`.lane .bar-${kind}`).getBoundingClientRect().width)")
        self.assertGreater(widths[1], widths[0])
        self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_what_failed_and_what_was_tried_again_differ_in_shape(self):
        browser = self.browser
        run = self.server.start("payment", {"order": "B-1", "cents": 100}, "tried")
        self.server.settled(run)
        browser.visit(f"#/runs/{run}")
        browser.one(".legend", "Failed attempt")
        shapes = browser.js("""
            return ['failed', 'tried'].map((kind) => {
              const style = getComputedStyle(document.querySelector(`.legend .bar-${kind}`));
              return [style.clipPath === 'none', style.backgroundColor === 'rgba(0, 0, 0, 0)', style.borderLeftWidth];
            });""")
        self.assertEqual(shapes, [[False, False, "0px"], [True, True, "2px"]])
        self.server.ask(f"/api/runs/{run}/cancel", {})

    def test_a_phone_scrolls_a_run_as_one_page(self):
        browser = self.browser
        self.server.settled(self.server.start("ledger", {"lines": 1}, "phone"))
        browser.screen(390)
        browser.visit("#/runs/phone")
        browser.one(".inspector .json")
        list_height, rows, gap, inner = browser.js("""
            const list = document.querySelector('.timeline .virtual'), inspector = document.querySelector('.inspector');
            return [list.clientHeight, document.querySelectorAll('.step-row:not([hidden])').length,
              inspector.getBoundingClientRect().top - document.querySelector('.timeline').getBoundingClientRect().bottom, inspector.scrollHeight - inspector.clientHeight];""")
        self.assertEqual((list_height, inner), (48 * rows, 0))
        self.assertLess(gap, 2)
        self.assertEqual(browser.audit(), [])
        # Its end can be reached.
        browser.js("document.querySelector('main').scrollTop = 1e6")
        self.assertLessEqual(browser.js("return document.querySelector('.inspector').lastChild.getBoundingClientRect().bottom - document.querySelector('.side').getBoundingClientRect().top"), 0)

    def test_chips_without_a_number_have_no_place_for_one(self):
        browser = self.browser
        browser.visit("#/runs?workflow=none-such")
        browser.one(".empty")
        browser.until(lambda: browser.js("""
            return [...document.querySelectorAll('.chip')].every((chip) => {
              const box = chip.getBoundingClientRect(), name = chip.querySelector('span').getBoundingClientRect(), mark = chip.querySelector('.icon').getBoundingClientRect();
              return Math.abs((mark.left - box.left) - (box.right - name.right)) < 2;
            });"""), "chips with even sides")

    def test_a_row_that_has_the_focus_stays_the_same_run(self):
        browser = self.browser
        for number in (1, 2):
            self.server.settled(self.server.start("anything", {}, f"focus-{number}"))
        browser.visit("#/runs?q=focus-")
        browser.one(".live.is-live")
        browser.one(".run-link", "focus-1")
        browser.press("j")
        focused = "return document.activeElement.textContent"
        self.assertEqual(browser.js(focused), "focus-2")
        self.server.settled(self.server.start("anything", {}, "focus-3"))
        browser.one(".fresh", "1 new run")
        self.assertEqual(browser.js(focused), "focus-2")
        browser.click(".fresh")
        browser.one(".run-link", "focus-3")
        self.assertTrue(browser.js("return document.querySelector('.virtual').contains(document.activeElement)"))
        self.assertIn("focus-2", browser.one(".run-row.is-selected").text)

    def test_filters_keep_the_focus_and_each_other(self):
        browser = self.browser
        browser.visit("#/runs")
        browser.js("document.querySelector('.chip[data-status=failed]').focus()")
        browser.press(Keys.ENTER)
        browser.until(lambda: browser.address == "#/runs?status=failed", "address of the filter")
        browser.until(lambda: browser.js("return document.activeElement.dataset?.status") == "failed", "focus on the same chip")
        browser.one("#filter-tag").send_keys("order:7")
        browser.click(".chip[data-status=running]")
        browser.until(lambda: "tag=order%3A7" in browser.address and "running" in browser.address, "both filters")
        browser.until(lambda: browser.one("#filter-tag").get_attribute("value") == "order:7", "tag that was typed")

    def test_a_line_of_the_log_opens(self):
        browser = self.browser
        self.server.settled(self.server.start("torrent", {"lines": 2, "size": 1}, "log-lines"))
        browser.visit("#/runs/log-lines?view=logs")
        browser.click(".event-row", "line 2")
        browser.one(".event-value .json", "number: 2")
        browser.click("button[aria-label='Close the event']")
        self.assertEqual(browser.all(".event-value .json"), [])
        self.assertIn("line 2", browser.js("return document.activeElement.textContent"))

    def test_a_text_of_megabytes_comes_in_parts(self):
        browser = self.browser
        # 400,000 characters.
        self.server.settled(self.server.start("torrent", {"lines": 1, "size": 20_000}, "mega"))
        browser.visit("#/runs/mega?step=show")
        browser.click(".inspector .json .link", "the first 100,000 of 400,000 characters")
        browser.one(".inspector .json .link", "100,000 more of 300,000 characters")
        shown = "return [...document.querySelectorAll('.inspector .json-block')].map(({ textContent }) => textContent.length)"
        self.assertEqual(browser.js(shown), [10_001] + [10_000] * 9)
        for _ in range(3):
            browser.click(".inspector .json .link", "more of")
        self.assertEqual(sum(browser.js(shown)), 400_002)

    def test_the_narrowest_phones_scroll_in_one_direction(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "narrow-phone"))
        try:
            for width in (375, 320):
                browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": True})
                for address, wanted in (("#/runs", ".run-link"), ("#/runs/narrow-phone", ".step-row"), ("#/schedules", ".card"), ("#/workflows", ".card")):
                    browser.visit(address)
                    browser.one(wanted)
                    wide = browser.js("return [document.documentElement.scrollWidth, document.querySelector('.nav-more').getBoundingClientRect().right]")
                    self.assertLessEqual(max(wide), width, (address, width))
        finally:
            browser.screen(1440)

    def test_forced_colours_tell_bars_and_what_is_chosen(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "forced"))
        try:
            browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "forced-colors", "value": "active"}]})
            browser.visit("#/runs/forced")
            browser.one(".lane .bar")
            colour = "return getComputedStyle(document.querySelector(arguments[0])).backgroundColor"
            self.assertNotEqual(browser.js(colour, ".lane .bar"), browser.js(colour, "body"))
            self.assertNotEqual(browser.js(colour, ".tab[aria-selected=true]"), browser.js(colour, ".tab[aria-selected=false]"))
            self.assertNotEqual(browser.js(colour, "nav a[aria-current]"), browser.js(colour, "nav a:not([aria-current])"))
            browser.visit("#/runs?status=success")
            browser.one(".run-link", "forced")
            self.assertNotEqual(browser.js(colour, ".chip[aria-pressed=true]"), browser.js(colour, ".chip[aria-pressed=false]"))
        finally:
            browser.screen(1440)

    def test_a_live_run_asks_for_its_head_now_and_then(self):
        browser = self.browser
        items = [{"sku": f"A{number}", "count": 1} for number in range(60)]
        self.server.start("parcel", {"customer": "Ada", "items": items, "pay": {"kind": "card"}}, "asks-rarely")
        browser.visit("#/runs/asks-rarely")
        browser.one(".run-status", "Needs a person")
        asked, took = browser.js("""
            const asked = performance.getEntriesByType('resource').filter(({ name }) => name.includes('asks-rarely?summary'));
            return [asked.length, performance.now() - asked[0].startTime]""")
        self.assertLessEqual(asked, took / 3000 + 2)
        self.server.ask("/api/runs/asks-rarely/cancel", {})

    def test_names_from_right_to_left_stay_in_their_place(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {"قيمة": "نص"}, "rtl"))
        browser.visit("#/runs/rtl?step=echo")
        browser.one(".inspector .json", "نص")
        key, value = browser.js("""
            return ['.json-key', '.json-string'].map((name) => { const { left, right } = document.querySelector(`.inspector ${name}`).getBoundingClientRect(); return [left, right]; })""")
        self.assertLessEqual(key[1], value[0])

    def test_lines_of_heads_end_with_those_of_rows(self):
        browser = self.browser
        self.server.settled(self.server.start("anything", {}, "lines"))
        browser.visit("#/runs?q=lines")
        browser.one(".run-link", "lines")
        head, row = browser.js("""
            const head = document.querySelector('.run-head'), row = document.querySelector('.virtual-row');
            const line = getComputedStyle(head, '::after');
            return [head.getBoundingClientRect().left + parseFloat(line.left) + parseFloat(line.width), row.getBoundingClientRect().right]""")
        self.assertAlmostEqual(head, row, delta=1)

    def test_health_has_full_rows_and_says_once_that_the_server_is_away(self):
        browser = self.browser
        browser.visit("#/health")
        browser.one(".status-line")
        for width in (1440, 1024, 390):
            browser.screen(width)
            ends = browser.js("""
                const rows = new Map();
                for (const card of document.querySelectorAll('.plot-card:not([hidden])')) {
                  const { top, right } = card.getBoundingClientRect();
                  rows.set(Math.round(top), Math.max(rows.get(Math.round(top)) ?? 0, Math.round(right)));
                }
                return [...rows.values()];""")
            self.assertEqual(len(set(ends)), 1, (width, ends))
        browser.screen(1440)
        browser.until(lambda: "–" not in [value.text for value in browser.all(".plot-value") if value.is_displayed()][1:2], "requests a second")
        browser.visit("#/runs")
        browser.one("h1", "Runs")
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.driver.execute_cdp_cmd("Network.enable", {})
        # Pages come when the browser has nothing else to do.
        browser.until(lambda: browser.js("return performance.getEntriesByType('resource').some(({ name }) => name.includes('page-health'))"), "code of the page")
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": True})
        try:
            browser.click("nav a", "Health")
            browser.one(".empty", "The server cannot be reached")
            self.assertEqual(browser.one_text().count("The server cannot be reached"), 1)
            self.assertFalse(any(card.is_displayed() for card in browser.all(".card")))
        finally:
            browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": False})
        browser.one(".status-line")
        browser.driver.get_log("browser")


if __name__ == "__main__":
    unittest.main(verbosity=2)
