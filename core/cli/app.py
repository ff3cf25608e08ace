"""The tree of commands: what `taperoom --help` shows.

Each command is a module of its own that imports what it needs when it is called; nothing here may be slow, since every
call of every command pays for it.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli import (
    browse,
    catalogue,
    check,
    cleanup,
    console,
    control,
    demo,
    disk,
    drill,
    enrol,
    explain,
    first,
    flush,
    holding,
    import_amanda,
    plan,
    recipe,
    recover,
    replay,
    report,
    requests,
    restore,
    runs,
    serve,
    status,
    tape,
    verify,
    where,
)
from core.errors import UsageError

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

app = typer.Typer(
    name="taperoom", rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=SETTINGS,
    help="""Network backup in the architecture of Amanda, with an operator console.

Without a command the console opens on the run under way, or on the last one.

\b
Examples:
  taperoom init                first configuration, asked step by step
  taperoom check               would tonight's run work?
  taperoom run --batch         run now, one plain line a fact
  taperoom status --follow     where the run stands
  taperoom explain exit-codes  what 0 to 5 mean
""")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"taperoom {version('taperoom')}")
        except PackageNotFoundError:
            print("taperoom (not installed)")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="Configuration; may stand anywhere.")] = "",
    batch: Annotated[bool, typer.Option("--batch", help="Start tonight's run, plain lines; same as 'run --batch'.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --batch: the facts as JSON lines.")] = False,
    plain: console.Ascii = False,
    slow: console.Slow = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")] = False,
) -> int:
    """The help of the whole is given to the Typer above."""
    where.set_config(config)
    if context.invoked_subcommand is not None:
        if plain or slow:
            raise UsageError("CFG006", f"{'--ascii' if plain else '--slow'} stands behind the command",
                             "such as 'taperoom attach --ascii', 'taperoom replay --slow'")
        return 0
    if batch:
        return runs.run([], batch=True, json=json)
    if json:
        raise UsageError("CFG006", "--json goes with --batch or with a command, such as 'taperoom status --json'",
                         "'taperoom --help' shows what is possible")
    return console.open_console(plain, slow)


def _group(name: str, text: str, commands: dict[str, Any]) -> None:
    group = typer.Typer(name=name, help=text, no_args_is_help=True, rich_markup_mode=None, context_settings=SETTINGS)
    for word, function in commands.items():
        group.command(word, context_settings=SETTINGS)(function)
    app.add_typer(group)


_COMMANDS: dict[str, Any] = {
    "run": runs.run, "attach": console.attach, "serve": serve.serve, "status": status.status, "report": report.report,
    "replay": replay.replay, "export": replay.export,
    "requests": requests.requests, "reply": requests.reply, "check": check.check, "plan": plan.plan,
    "flush": flush.flush, "stop": control.stop, "pause": control.pause, "resume": control.resume,
    "degrade": control.degrade, "hold": control.hold, "release": control.release, "priority": control.priority,
    "retry": control.retry, "abort": control.abort,
    "ls": browse.ls, "find": browse.find, "search": browse.search, "history": browse.history, "diff": browse.diff,
    "restore": restore.restore, "recover": recover.recover, "recipe": recipe.recipe,
    "verify": verify.verify, "drill": drill.drill,
    "init": first.init, "import-amanda": import_amanda.import_amanda, "cleanup": cleanup.cleanup,
    "explain": explain.explain, "demo": demo.demo,
}
for _name, _function in _COMMANDS.items():
    app.command(_name, context_settings=SETTINGS)(_function)

_group("tape", """Volumes: what is in the slots, labels, erasing.

\b
Examples:
  taperoom tape list
  taperoom tape label --slot 3
""", {
    "list": tape.list_, "show": tape.show_, "label": tape.label, "load": tape.load, "unload": tape.unload,
    "erase": tape.erase, "retire": tape.retire})
_group("holding", """The holding disks.

\b
Example:
  taperoom holding list
""", {"list": holding.list_, "remove": holding.remove})
_group("disk", """The disklist.

\b
Examples:
  taperoom disk list
  taperoom disk force web4:/home
""", {
    "list": disk.list_, "add": disk.add, "remove": disk.remove, "force": disk.force, "hold": disk.hold})
_group("client", """Certificates of clients for the transport tls.

\b
Examples:
  taperoom client enrol web1
  taperoom client list
""", {"enrol": enrol.enrol, "list": enrol.list_, "revoke": enrol.revoke})
_group("catalogue", """The index over journals and volumes.

\b
Example:
  taperoom catalogue rebuild
""", {"rebuild": catalogue.rebuild, "export-amanda": catalogue.export_amanda})
