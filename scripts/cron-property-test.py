#!/usr/bin/env python3
"""Compares the times of random cron expressions with those of PyPI's `croniter`, in zones of `zoneinfo`.

    scripts/cron-property-test.py PROGRAM [--cases 10000] [--nights] [--seed N]

`aikit-lua schedules --json` lists the next three times of each case: an expression, a zone and an instant. `croniter` finds
the local times, by a calendar that knows no zone, and `zoneinfo` the instants of them:

- a local time that comes twice counts the first time, one that is skipped at the first instant after the gap;
- where the hour is `*`, one that comes twice counts twice, and one that is skipped not at all.

Where the offset does not change in between, `croniter` is asked in the zone itself as well, so that its own arithmetic of
zones is compared too. Days of the month and of the week that are both restricted are an "or", as in `croniter`'s default.
One kind of expression is left out: `*/n` as day of the month beside days of the week that are listed in full, such as
`*/6 * 0-6`. Both fields restrict, so every day fits; `croniter` takes the full list for `*` there, though not beside `1-31/6`.

With `--nights` the instants lie within a day of a change of the offset, in ten zones. Needs `pip install croniter`. Exits
with 1 if any case differs.
"""

import argparse
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import zoneinfo

from croniter import croniter

UTC = datetime.timezone.utc
ZONES = ["Europe/Oslo", "Europe/London", "America/New_York", "America/Los_Angeles", "America/St_Johns",
         "America/Santiago", "Australia/Sydney", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Auckland"]
MORE = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Chatham", "Asia/Tehran", "Pacific/Apia",
        "Atlantic/Azores", "Africa/Casablanca", "Asia/Tokyo"]
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
COUNT = 3


class Field:
    """Makes parts of an expression at random."""

    def __init__(self, chance):
        self.chance = chance

    def part(self, low, high, names=None):
        one = lambda value: names[value - low] if names and self.chance.random() < 0.3 else str(value)
        kind = self.chance.random()
        first, second = sorted(self.chance.sample(range(low, high + 1), 2))
        if kind < 0.5:
            return one(first)
        if kind < 0.75:
            return f"{one(first)}-{one(second)}"
        if kind < 0.9:
            return f"{one(first)}-{one(second)}/{self.chance.randint(1, 6)}"
        return f"*/{self.chance.randint(2, max(2, (high - low) // 2))}"

    def list(self, low, high, names=None, every=0.3):
        if self.chance.random() < every:
            return "*"
        return ",".join(self.part(low, high, names) for _ in range(self.chance.choice([1, 1, 1, 2, 3])))

    def expression(self):
        minute, hour = self.list(0, 59, every=0.1), self.list(0, 23, every=0.25)
        month = self.list(1, 12, MONTHS, every=0.75)
        day, weekday = self.list(1, 28, every=0.6), self.list(0, 6, DAYS, every=0.6)
        kind = self.chance.random()
        if kind < 0.05:
            day, weekday = "L", "*"
        elif kind < 0.1:
            day, weekday = "*", f"{self.chance.randint(0, 6)}#{self.chance.randint(1, 4)}"
        elif kind < 0.13:
            return self.chance.choice(["@yearly", "@monthly", "@weekly", "@daily", "@hourly"])
        return f"{minute} {hour} {day} {month} {weekday}"


def is_undecided(expression):
    """Whether `croniter` has rules of its own for an expression."""
    fields = expression.split()
    return len(fields) == 5 and "*/" in fields[2] and fields[4] != "*" and croniter.expand(expression)[0][4] == ["*"]


def offset(instant, zone):
    return instant.astimezone(zone).utcoffset()


def is_steady(zone, instant):
    """Whether the offset is the same a day before and after an instant."""
    return len({offset(instant + datetime.timedelta(days=days), zone) for days in (-1, 0, 1)}) == 1


def is_hourly(expression):
    return expression == "@hourly" or (not expression.startswith("@") and expression.split()[1] == "*")


def instants(local, zone, hourly):
    """The instants of a local time."""
    found = []
    for fold in (0, 1):
        instant = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local and instant not in found:
            found.append(instant)
    if hourly or found:
        return sorted(found) if hourly else [min(found)]
    # Within a gap: the first instant that is after it.
    low, high = (local.replace(tzinfo=UTC) + datetime.timedelta(days=days) for days in (-2, 2))
    before = offset(low, zone)
    while high - low > datetime.timedelta(seconds=1):
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        low, high = (middle, high) if offset(middle, zone) == before else (low, middle)
    return [high]


def expected(expression, zone, start):
    """The next times after an instant."""
    local = start.astimezone(zone).replace(tzinfo=None)
    if not is_steady(zone, start):
        local -= datetime.timedelta(days=1)
    times, found = croniter(expression, local), set()
    while True:
        local = times.get_next(datetime.datetime)
        found.update(instant for instant in instants(local, zone, is_hourly(expression)) if instant > start)
        # Later local times have no earlier instants, but within a day of a change.
        latest = sorted(found)[:COUNT]
        if len(latest) == COUNT:
            last = latest[-1].astimezone(zone).replace(tzinfo=None)
            if is_steady(zone, latest[-1]) or local > last + datetime.timedelta(hours=3):
                return latest
        if local.year > start.year + 60:
            return latest


def in_zone(expression, zone, start, until):
    """What croniter makes of the zone itself; None where the offset changes in between."""
    day = start - datetime.timedelta(days=3)
    while day < until + datetime.timedelta(days=3):
        if offset(day, zone) != offset(start, zone):
            return None
        day += datetime.timedelta(days=1)
    times = croniter(expression, start.astimezone(zone))
    return [times.get_next(datetime.datetime).astimezone(UTC) for _ in range(COUNT)]


def changes(zone, year):
    """The instants at which the offset changes in a year."""
    hours = [datetime.datetime(year, 1, 1, tzinfo=UTC) + datetime.timedelta(hours=hour) for hour in range(366 * 24)]
    return [later for earlier, later in zip(hours, hours[1:]) if offset(earlier, zone) != offset(later, zone)]


def listed(program, folder, cases, start):
    """The program's times of cases that share an instant."""
    schedules = ",\n".join(
        f'{{ id = "s{index}", cron = "{expression}", timezone = "{zone}" }}'
        for index, (expression, zone) in enumerate(cases))
    path = os.path.join(folder, "schedules.lua")
    with open(path, "w") as script:
        script.write(
            'local aikit = require "aikit"\nreturn aikit.workflow { id = "w", schedules = {\n' + schedules
            + '\n} }:step { id = "s", handler = function() end }:commit()\n')
    answer = subprocess.run(
        [program, "schedules", path, "--json", "--count", str(COUNT), "--from", start.strftime("%Y-%m-%dT%H:%M:%SZ")],
        capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.exit(f"the program ended with status {answer.returncode}: {answer.stderr}")
    found = {schedule["id"]: schedule["times"] for schedule in json.loads(answer.stdout)["schedules"]}
    return [[datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) for time in found[f"s{index}"]]
            for index in range(len(cases))]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--nights", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, program = random.Random(options.seed), os.path.abspath(options.program)
    field, differing, compared, zoned = Field(chance), 0, 0, 0
    nights = []
    if options.nights:
        nights = [(name, change) for name in ZONES for change in changes(zoneinfo.ZoneInfo(name), 2026)]
        print(f"{len(nights)} changes of the offset in {len(ZONES)} zones")
    with tempfile.TemporaryDirectory() as folder:
        while compared < options.cases:
            if nights:
                zone, change = nights[compared // 50 % len(nights)]
                start = change + datetime.timedelta(minutes=chance.randint(-1440, 1440))
                cases = [(field.expression(), zone) for _ in range(min(50, options.cases - compared))]
            else:
                start = datetime.datetime(2020, 1, 1, tzinfo=UTC)
                start += datetime.timedelta(seconds=chance.randint(0, 15 * 365 * 86400))
                zones = [chance.choice(ZONES + MORE) for _ in range(min(50, options.cases - compared))]
                cases = [(field.expression(), zone) for zone in zones]
            for (expression, name), times in zip(cases, listed(program, folder, cases, start)):
                compared += 1
                if is_undecided(expression):
                    continue
                zone = zoneinfo.ZoneInfo(name)
                wanted = {"by zoneinfo": expected(expression, zone, start)}
                if len(times) == COUNT and (own := in_zone(expression, zone, start, times[-1])):
                    wanted["by croniter"] = own
                    zoned += 1
                for source, right in wanted.items():
                    if right != times:
                        differing += 1
                        lists = f"{list(map(str, times))}, {source} {list(map(str, right))}"
                        print(f"'{expression}' in {name} after {start}: {lists}")
    print(f"{compared} cases, {zoned} of them in croniter's own zones as well; {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
