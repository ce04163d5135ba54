"""user-streams beside the algorithm of django-user-streams, on the same server, in turn.

Makes a virtual environment in target/peers and runs itself there. See README.md beside it.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from urllib.parse import unquote, urlsplit

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# As in the benchmarks: a user with 10,000 items, of which each has others who received it too.
READER, ITEMS, WIDTH, PAGE = 1, 10_000, 20, 20
CONTENT = ("An item of a news feed, with as much text as a short message has. " * 2)[:100]
LAYOUTS = {"single-table": "SingleTable", "many-to-many": "ManyToMany"}


def main():
    arguments = parse()
    if sys.prefix == sys.base_prefix:
        in_environment(arguments)
    print("| | | ours | django-user-streams' way | times |\n|---|---|---|---|---|", flush=True)
    engines = [] if arguments.skip_sqlite else ["sqlite"]
    for engine in engines + (["postgres"] if arguments.postgres else []):
        with tempfile.TemporaryDirectory(prefix="user-streams-peers-") as directory:
            url = arguments.postgres or f"sqlite://{directory}/ours.db?mode=rwc"
            url = url if engine == "postgres" else f"sqlite://{directory}/ours.db?mode=rwc"
            # A process for each layout, since Django is set up once.
            for layout in LAYOUTS:
                task = [sys.executable, __file__, "--cell", json.dumps([engine, layout, url])]
                task += ["--binary", arguments.binary, "--rounds", str(arguments.rounds)]
                output = subprocess.run(task, check=True, stdout=subprocess.PIPE, text=True).stdout
                print_rows(json.loads(output))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    binary = pathlib.Path(target) / "release" / "user-streams-bench"
    parser.add_argument("--postgres", metavar="URL", help="measure on PostgreSQL too")
    parser.add_argument("--skip-sqlite", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--binary", default=str(binary), help="the benchmarks, built with --release")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not pathlib.Path(arguments.binary).exists():
        parser.error("build it first: cargo build --release -p user-streams-bench")
    if arguments.cell:
        engine, layout, url = json.loads(arguments.cell)
        json.dump(measure_cell(engine, layout, url, arguments), sys.stdout)
        sys.exit()
    return arguments


def in_environment(arguments):
    """Runs this file again where its requirements are installed."""
    place = ROOT / "target" / "peers"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    requirements = HERE / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


def measure_cell(engine, layout, url, arguments):
    django = Django(engine, layout, url)
    ours = Ours(engine, layout, url, arguments.binary)
    for program in (ours, django):
        program.fill()
    rows = []
    for name, unit, case, factor in CASES:
        sys.stderr.write(f"{layout}/{engine}: {name}\n")
        rounds = {ours: [], django: []}
        for number in range(arguments.rounds + 1):
            for program in random.sample([ours, django], 2):
                rate = program.rate(case, 0.7) * factor
                # The first round warms up.
                if number:
                    rounds[program].append(rate)
        ratios = [mine / theirs for mine, theirs in zip(rounds[ours], rounds[django])]
        medians = [statistics.median(rounds[program]) for program in (ours, django)]
        rows.append([f"{layout}/{engine}", name, unit, *medians, statistics.median(ratios)])
    for program in (ours, django):
        program.close()
    return rows


# What is measured, its unit, what ours is asked for, and how much is done at a time.
CASES = [
    ("an item to one", "adds/s", "Add", 1),
    ("an item to 1,000", "deliveries/s", {"Broadcast": 1_000}, 1_000),
    ("an item to 10,000", "deliveries/s", {"Broadcast": 10_000}, 10_000),
    ("the first 20 of 10,000", "pages/s", "Slice", 1),
    ("page 1 and the number of pages", "pages/s", "Page", 1),
]


class Ours:
    """The library, in a process that is asked for a round at a time."""

    def __init__(self, engine, layout, url, binary):
        store = {
            "engine": engine.capitalize(),
            "layout": LAYOUTS[layout],
            "url": url,
            "table": "peers_" + layout.replace("-", "_"),
            "synchronous_full": False,
            "shared_content_min_len": None,
        }
        task = json.dumps({"Peer": {"store": store}})
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([binary, "--child", task], stdin=pipe, stdout=pipe, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def fill(self):
        self.ask({"Fill": {"items": ITEMS, "width": WIDTH}})

    def rate(self, case, seconds):
        return self.ask({"Rate": {"case": case, "seconds": seconds}})

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Django:
    """The original's algorithm: its tables and its queries, with what Django has for them today."""

    def __init__(self, engine, layout, url):
        import django
        from django.conf import settings

        settings.configure(
            DATABASES={"default": database(engine, url)},
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "streams"],
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=True,
        )
        sys.path.insert(0, str(HERE))
        django.setup()
        from django.contrib.auth.models import User
        from django.db import connection
        from streams import backends

        self.backend = backends.SingleTable() if layout == "single-table" else backends.ManyToMany()
        self.models, self.users, self.connection = backends.MODELS, User, connection

    def fill(self):
        from django.core.management import call_command

        self.drop()
        # First the tables of the users, to which the others refer.
        for run_syncdb in (False, True):
            call_command("migrate", run_syncdb=run_syncdb, verbosity=0)
        self.users.objects.bulk_create(
            [self.users(id=n, username=f"user{n}") for n in range(1, 10_001)], batch_size=1_000
        )
        self.people = list(self.users.objects.order_by("id"))
        self.backend.fill(self.people[: WIDTH], READER, ITEMS, CONTENT)
        with self.connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def rate(self, case, seconds):
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            self.once(case)
            done += 1
        return done / (time.perf_counter() - started)

    def once(self, case):
        from django.core.paginator import Paginator
        from django.db import transaction

        reader = self.people[READER - 1]
        if case == "Add":
            self.backend.add_stream_item([random.choice(self.people[1:1_000])], CONTENT)
        elif case == "Slice":
            assert len(list(self.backend.get_stream_items(reader)[:PAGE])) == PAGE
        elif case == "Page":
            paginator = Paginator(self.backend.get_stream_items(reader), PAGE)
            assert len(list(paginator.page(1))) == PAGE and paginator.num_pages > 1
        else:
            # Without a transaction around it, as a worker would call it, each row is a commit.
            with transaction.atomic():
                self.backend.add_stream_item(self.people[: case["Broadcast"]], CONTENT)

    def drop(self):
        with self.connection.cursor() as cursor:
            tables = self.connection.introspection.table_names(cursor)
            cascade = " CASCADE" if self.connection.vendor == "postgresql" else ""
            ours = [name for name in tables if name.startswith(("auth_", "django_", "streams_"))]
            if self.connection.vendor == "sqlite":
                cursor.execute("PRAGMA foreign_keys = OFF")
            for name in ours:
                cursor.execute(f'DROP TABLE "{name}"{cascade}')
            if self.connection.vendor == "sqlite":
                cursor.execute("PRAGMA foreign_keys = ON")

    def close(self):
        self.drop()
        self.connection.close()


def database(engine, url):
    """The server that ours is on, and on SQLite a file with the same settings."""
    if engine == "sqlite":
        path = url.removeprefix("sqlite://").split("?")[0].replace("ours.db", "django.db")
        pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
        options = {"init_command": pragmas}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": options}
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
    }


def print_rows(rows):
    for cell, name, unit, ours, theirs, ratio in rows:
        shown = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
        print(f"| {cell} | {name} | {ours:,.0f} {unit} | {theirs:,.0f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
