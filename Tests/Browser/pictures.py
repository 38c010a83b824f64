"""Takes pictures of the dashboard:  scripts/dashboard-pictures.sh [--all FOLDER]

Those of docs/dashboard.md, or with --all every page in light and dark at every width of the tests.
"""

import pathlib
import sys
import tempfile

from browser import SCREENS, Browser, Server
from scenes import EMPTY_PAGES, PAGES, play, start_provider

GUIDE = [
    ("runs", "light", "runs"), ("run", "light", "run"), ("error", "dark", "run-error"), ("graph", "dark", "run-graph"),
    ("inbox", "light", "inbox-task"),
]


def shoot(browser, path):
    # What comes after the page: fonts, the first figures, a graph that fits itself to its place.
    browser.js("return new Promise((done) => setTimeout(done, 600))")
    browser.driver.save_screenshot(str(path))


def take_guide(browser, folder):
    for name, theme, page in GUIDE:
        address, wanted = PAGES[page]
        browser.screen(1440, theme)
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 1200, "height": 720, "deviceScaleFactor": 1, "mobile": False})
        browser.visit(address)
        browser.one(wanted)
        shoot(browser, folder / f"{name}.png")


def take_all(browser, folder, only, pages):
    for name, (address, wanted) in pages.items():
        if only and name not in only:
            continue
        for width in SCREENS:
            browser.screen(width)
            browser.visit(address)
            browser.one(wanted)
            for theme in ("light", "dark"):
                browser.screen(width, theme)
                shoot(browser, folder / f"{name}-{width}-{theme}.png")


def main(folder, every, only):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        provider = start_provider()
        server = Server(store)
        browser = Browser(server)
        try:
            play(server, hostile=every)
            browser.log_in()
            if every:
                take_all(browser, folder, only, PAGES)
                browser.log_out()
                take_all(browser, folder, only, {"log-in": ("", "#token")})
            else:
                take_guide(browser, folder)
        finally:
            browser.stop()
            server.stop()
            provider.terminate()
    if every:
        with tempfile.TemporaryDirectory() as store, tempfile.TemporaryDirectory() as scripts:
            server = Server(store, scripts)
            browser = Browser(server)
            try:
                browser.log_in()
                take_all(browser, folder, only, EMPTY_PAGES)
            finally:
                browser.stop()
                server.stop()


if __name__ == "__main__":
    if sys.argv[1] == "--all":
        main(sys.argv[2], True, sys.argv[3:])
    else:
        main(sys.argv[1], False, [])
