"""Takes the pictures of docs/dashboard.md:  scripts/dashboard-pictures.sh"""

import pathlib
import sys
import tempfile

from browser import Browser, Server


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        server = Server(store)
        browser = Browser(server)
        try:
            runs = [server.start("parcel", {
                "customer": name, "items": [{"sku": f"A{number}", "count": number} for number in range(1, 5)],
                "pay": {"kind": "bill", "days": 14}}, f"parcel-{index}") for index, name in enumerate(("Ada", "Grace", "Alan"), 1)]
            runs += [server.start("ledger", {"lines": 4}, "ledger-july"), server.start("bulk", {"count": 300}, "bulk-1")]
            for run in runs:
                server.settled(run)
            server.ask("/api/tasks/parcel-1/release", {"data": {"decision": "send"}})
            server.settled("parcel-1")
            server.start("slow", {}, "slow-1")
            browser.visit("#/schedules")
            browser.js("sessionStorage.setItem('aikit-lua.token', arguments[0])", server.token)
            pictures = [
                ("runs", "light", "#/runs", ".run-link"), ("run", "light", "#/runs/parcel-1?step=way", ".inspector .json"),
                ("error", "dark", "#/runs/ledger-july", ".source .is-here"),
                ("graph", "dark", "#/runs/parcel-1?view=graph", ".graph .node.is-success"),
                ("inbox", "light", "#/inbox/parcel-2/release", ".answer"),
            ]
            for name, theme, address, wanted in pictures:
                browser.screen(1440, theme)
                browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                    "width": 1200, "height": 720, "deviceScaleFactor": 1, "mobile": False})
                browser.visit(address)
                browser.one(wanted)
                browser.js("return new Promise((done) => setTimeout(done, 600))")
                browser.driver.save_screenshot(str(folder / f"{name}.png"))
        finally:
            browser.stop()
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
