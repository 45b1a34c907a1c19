"""`demo`: the two demonstration systems and the three flows at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call
from accord.errors import AccordError, UsageError

if TYPE_CHECKING:
    from accord.cli.demo_edits import Edit
    from accord.cli.demo_servers import Server
    from accord.config.meaning import Project
    from accord.engine.report import Report
    from accord.engine.round import Caller
    from accord.store.opening import State

FOLDER = ".accord-demo"
MARK = ".accord-demo-folder"
EVERY = 2.0
"""Seconds between two rounds."""
OURS = ("accord.db", "accord.yaml", ".env", ".env.example", "custompms", "customerp")


def demo(
    call: Call,
    once: Annotated[bool, typer.Option("--once", help="End by itself; exit status 0 when all was in step.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Where it happens.", show_default=FOLDER)
    ] = None,
    ports: Annotated[
        str, typer.Option("--ports", metavar="PMS,ERP", help="Where the systems listen; 0 is any free port.")
    ] = "0,0",
) -> int:
    """Start two demonstration systems with data, and keep them in step while you edit in both.

    Example: `accord demo`, and then open the two addresses that it prints; `accord demo --once` ends by itself.
    """
    from accord.cli.demo_servers import servers

    place = folder or (call.folder or Path()) / FOLDER
    _prepare(place)
    call.out.note("starting CustomPMS and CustomERP with 400 customers each, 600 projects and 3,000 tasks")
    with servers(place, _ports(ports)) as (pms, erp):
        show = _Demo(call, place, pms, erp)
        status = show.play()
        if not once:
            show.keep_going()
    return status


def _ports(text: str) -> list[int]:
    try:
        one, two = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--ports {text!r} is not understood", hint="write for example --ports 8471,8472") from None
    return [one, two]


def _prepare(place: Path) -> None:
    """An empty folder; one that an earlier demonstration left is emptied of what belongs to it."""
    try:
        if place.exists() and any(place.iterdir()) and not (place / MARK).exists():
            raise UsageError(f"{place} is not empty, and no demonstration made it", hint="--folder names another")
        place.mkdir(parents=True, exist_ok=True)
        for file in place.iterdir():
            if file.is_file() and file.name.startswith(OURS):
                file.unlink()
        (place / MARK).write_text("This folder belongs to `accord demo`, which empties it when it starts.\n", "utf-8")
    except OSError as error:
        raise UsageError(f"{place} cannot be used: {error.strerror}") from None


class _Demo:
    """The demonstration, scene by scene."""

    def __init__(self, call: Call, place: Path, pms: Server, erp: Server) -> None:
        self.call, self.out, self.place, self.pms, self.erp = call, call.out, place, pms, erp
        self.project = self._project()

    def _project(self) -> Project:
        from accord.cli.starting import from_preset
        from accord.config.load import load

        files = from_preset("demo")
        env = {**files.env, "CUSTOMPMS_URL": self.pms.url, "CUSTOMERP_URL": self.erp.url}
        (self.place / "accord.yaml").write_text(files.project, "utf-8")
        private = self.place / ".env"
        private.touch(mode=0o600)
        private.write_text("".join(f"{name}={value}\n" for name, value in env.items()), "utf-8")
        project = load(self.place / "accord.yaml", env=env)
        self.out.secrets = project.secrets
        return project

    def play(self) -> int:
        """Plan, first round, edits, second round, quiet third round; the exit status."""
        from accord.store.opening import open_state

        planned = self._round("plan")
        self._scene("What the first round would write")
        self._show_plan(planned)
        first = self._round("run")
        self._scene("The first round")
        self._show(first)
        with open_state(self.project.state) as state:
            edits = self._edit(state)
        second = self._round("run")
        with open_state(self.project.state) as state:
            self._scene("The second round carries them over")
            late = self._show_edits(state, second, edits)
        third = self._round("run")
        return self._conclude([first, second, third], late)

    def _round(self, kind: str) -> Report:
        from accord.cli.progress import progress
        from accord.engine.round import Caller, plan_round, run_round
        from accord.engine.setting import Options

        work = plan_round if kind == "plan" else run_round
        with progress(self.out) as show:
            caller: Caller = Caller(clock=self.call.clock, progress=show)
            return _aside(lambda: work(self.project, Options(by="accord demo"), caller))

    def _scene(self, title: str) -> None:
        if not self.out.json:
            self.out.say(self.out.heading(title))

    def _say(self, *lines: str) -> None:
        if not self.out.json:
            self.out.say(*lines)

    def _show_plan(self, report: Report) -> None:
        if not self.out.json:
            columns = ("creates", "updates", "deletes")
            shown = [(name, *(counts[column] for column in columns)) for name, counts in report.flows.items()]
            self.out.table(["flow", *(f"#{column}" for column in columns)], shown)
        self._say(f"`accord plan -C {self.place} --all` would list them all, each with its reason.")

    def _show(self, report: Report) -> None:
        from accord.cli.reports import show_report

        if not self.out.json:
            show_report(self.out, report)

    def _edit(self, state: State) -> list[Edit]:
        from accord.cli.demo_edits import make_edits

        self._scene("People edit in both systems")
        try:
            edits = make_edits(self.pms, self.erp, state)
        except (LookupError, StopIteration) as error:
            raise AccordError(
                f"the demonstration cannot go on: {error}", hint=f"see `accord status -C {self.place}`"
            ) from error
        self._say(*(f"  {edit.said}" for edit in edits))
        return edits

    def _show_edits(self, state: State, report: Report, edits: list[Edit]) -> list[str]:
        """The history of the round; which edits did not arrive."""
        self._show_history(state, report.run)
        late = [edit.said for edit in edits if not edit.arrived(state)]
        self._say(*(f"  NOT ARRIVED: {said}" for said in late))
        return late

    def _show_history(self, state: State, run: int) -> None:
        from accord.cli.history import change_texts
        from accord.cli.output import short_ref

        for line in state.history.list(run=run):
            if line.op not in ("create", "update", "delete") or self.out.json:
                continue
            self._say(f"  {line.op} {short_ref(line.ref)}: {line.reason}")
            self._say(*(f"      {text}" for text in change_texts(line.op, line.changes)))

    def _conclude(self, reports: list[Report], late: list[str]) -> int:
        """Whether all is in step, and where to look."""
        wrong = [*late, *_faults(reports), *self._unequal()]
        self._scene("In step")
        found = self._counts()
        quiet = sum(sum(counts.values()) for counts in reports[-1].writes.values())
        if self.out.json:
            self.out.document({"ok": not wrong, "records": found, "third_round_writes": quiet, "wrong": wrong})
            return 1 if wrong else 0
        rows = [(flow, counts["custompms"], counts["customerp"], counts["linked"]) for flow, counts in found.items()]
        self.out.table(["flow", "#CustomPMS", "#CustomERP", "#linked"], rows)
        self._say(f"The third round wrote {quiet} times." if quiet else "The third round wrote nothing.")
        self._say(*(f"WRONG: {fault}" for fault in wrong))
        return 1 if wrong else 0

    def _counts(self) -> dict[str, dict[str, int]]:
        from accord.cli.demo_edits import counts
        from accord.store.opening import open_state

        with open_state(self.project.state) as state:
            links = state.links.counts()
        return {
            flow: {"custompms": pms, "customerp": erp, "linked": links.get(flow, {}).get("linked", 0)}
            for flow, (pms, erp) in counts(self.pms, self.erp).items()
        }

    def _unequal(self) -> list[str]:
        """Each record has its counterpart, and none has two: as many records on both sides as there are links."""
        return [
            f"{flow}: {counts['custompms']} in CustomPMS, {counts['customerp']} in CustomERP, {counts['linked']} linked"
            for flow, counts in self._counts().items()
            if len(set(counts.values())) > 1
        ]

    def keep_going(self) -> None:
        """A round every two seconds until Ctrl-C; what it wrote is shown."""
        from accord.store.opening import open_state

        self._scene("Now you")
        self._say(
            f"  CustomPMS  {self.pms.url}/",
            f"  CustomERP  {self.erp.url}/",
            f"  Edit anything in either; a round runs every {EVERY:g} seconds. Ctrl-C ends all.",
            f"  In another terminal: `accord status -C {self.place}`, `accord history -C {self.place}`.",
        )
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(EVERY)
                report = self._round("run")
                for error in report.errors:
                    self.out.note(f"  {error['message']}")
                with open_state(self.project.state) as state:
                    self._show_history(state, report.run)


def _aside(work: Callable[[], Report]) -> Report:
    """Do it in a thread, so that Ctrl-C ends the demonstration and not only the round; a round may be cut anywhere."""
    done: list[Report] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    if failed:
        raise failed[0]
    return done[0]


def _faults(reports: list[Report]) -> list[str]:
    """What went wrong in some rounds."""
    faults: list[Any] = [error["message"] for report in reports for error in report.errors]
    faults += [f"held: {item['reason']}" for item in reports[-1].held]
    quiet = reports[-1].writes
    faults += [f"the third round wrote in {system}" for system, counts in quiet.items() if sum(counts.values())]
    return faults
