"""Runs of every kind, for whoever wants to look at all pages."""

import pathlib
import subprocess
import sys
import time

PROVIDER = pathlib.Path(__file__).parents[2] / "docs/scripts/provider"
PARCEL = {"items": [{"sku": f"A{number}", "count": number} for number in range(1, 5)], "pay": {"kind": "bill", "days": 14}}


def start_provider():
    """The stand-in for a provider of models that the workflow `desk` asks; the caller ends it."""
    provider = subprocess.Popen(
        [sys.executable, str(PROVIDER / "provider.py"), str(PROVIDER / "agents.json")], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    provider.stdout.readline()
    return provider


def play(server, hostile=True):
    """Starts the runs and waits until they stand where they will stay; `hostile` brings those that show what no friendly run does."""
    runs = [server.start("parcel", {"customer": name, **PARCEL}, f"parcel-{number}")
            for number, name in enumerate(("Ada", "Grace", "Alan"), 1)]
    runs += [
        server.start("ledger", {"lines": 4}, "ledger-july"), server.start("ledger", {"lines": 2}, "ledger-june"),
        server.start("bulk", {"count": 300}, "bulk-1"), server.start("trip", {}, "trip-oslo"), server.start("rounds", {}, "rounds-1"),
        server.start("payment", {"order": "B-1207", "cents": 120000}, "payment-7"),
        server.start("payment", {"order": "B-1208", "cents": 900}, "payment-8"),
        server.start("desk", {"question": "How much leave do I have?"}, "desk-1"),
        server.ask("/api/workflows/question/runs", {"inputData": {"about": "the tone of the newsletter"}})["runId"],
    ]
    if hostile:
        runs += [
            server.start("hostile", {}, "<b>hostile</b>"), server.start("torrent", {"lines": 300, "size": 2000}, "torrent"),
        ]
    for run in runs:
        server.settled(run)
    for lines in (2, 5):
        server.ask("/api/runs/ledger-july/fork", {"from": "load", "input": {"lines": lines}})
    server.ask("/api/tasks/parcel-1/release", {"data": {"decision": "send"}})
    server.ask("/api/runs/payment-8/signals/paid", {"data": {"by": "card"}})
    server.ask("/api/runs/parcel-3/cancel", {"reason": "ordered twice"})
    server.start("slow", {}, "slow-1")
    server.start("narrow", {"tenant": "acme"}, "render-1")
    while server.ask("/api/runs/render-1?summary=true")["status"] == "queued":
        time.sleep(0.05)
    server.start("narrow", {"tenant": "acme"}, "render-2")
    for run in ("parcel-1", "payment-8", "parcel-3"):
        server.settled(run)


#: Each page by a name: its address, and what has to be seen on it.
PAGES = {
    "runs": ("#/runs", ".run-link"),
    "runs-filtered": ("#/runs?status=failed,cancelled", ".run-link"),
    "run": ("#/runs/parcel-1?step=way", ".inspector .json"),
    "run-overview": ("#/runs/parcel-1", ".inspector .json"),
    "runs-lineage": ("#/runs?lineage=ledger-july", ".run-link"),
    "run-hostile": ("#/runs/%3Cb%3Ehostile%3C%2Fb%3E?step=say", ".inspector .unseen"),
    "run-torrent": ("#/runs/torrent?step=show", ".inspector .unseen"),
    "inbox-hostile": ("#/inbox/%3Cb%3Ehostile%3C%2Fb%3E/ask", ".answer"),
    "run-error": ("#/runs/ledger-july", ".source .is-here"),
    "run-retries": ("#/runs/payment-7?step=bank", ".tries"),
    "run-agent": ("#/runs/desk-1", ".bubble"),
    "run-undone": ("#/runs/trip-oslo", ".bar-undo"),
    "run-queued": ("#/runs/render-2", ".timeline-empty"),
    "run-many": ("#/runs/bulk-1", ".step-row.is-fold"),
    "run-graph": ("#/runs/parcel-1?view=graph", ".graph .node.is-success"),
    "run-rounds": ("#/runs/rounds-1", ".inspector .json"),
    "run-rounds-graph": ("#/runs/rounds-1?view=graph", ".graph .node.is-success"),
    "run-events": ("#/runs/payment-7?view=events", ".event-row"),
    "run-logs": ("#/runs/payment-7?view=logs", ".event-row"),
    "inbox": ("#/inbox", ".task"),
    "inbox-task": ("#/inbox/parcel-2/release", ".answer"),
    "inbox-shapes": ("#/inbox/payment-8/book", ".answer"),
    "workflows": ("#/workflows", ".workflow-card"),
    "workflow": ("#/workflows/parcel", ".graph .node"),
    "workflow-start": ("#/workflows/parcel?view=start", ".start"),
    "workflow-schemas": ("#/workflows/parcel?view=schemas", ".json"),
    "workflow-version": ("#/workflows/parcel?view=version", ".facts"),
    "workflow-source": ("#/workflows/ledger?view=source", ".source"),
    "schedules": ("#/schedules", ".schedules .card"),
    "health": ("#/health", ".status-line"),
    "wrong-address": ("#/nowhere", ".empty"),
    "missing": ("#/runs/no-such-run", ".empty"),
}

#: The pages of a server that has nothing yet.
EMPTY_PAGES = {
    "empty-runs": ("#/runs", ".empty"),
    "empty-filtered": ("#/runs?q=nothing", ".empty"),
    "empty-inbox": ("#/inbox", ".empty"),
    "empty-workflows": ("#/workflows", ".empty"),
    "empty-schedules": ("#/schedules", ".empty"),
    "empty-health": ("#/health", ".status-line"),
}
