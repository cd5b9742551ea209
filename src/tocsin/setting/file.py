"""A configuration file and the environment as checked values: every key is in the table, every value has its kind."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tocsin.core.hooks import Hook, check_hook
from tocsin.core.people import circle_from
from tocsin.core.probe_fields import check_probe
from tocsin.setting.kinds import Wrong
from tocsin.setting.probes import probe_of
from tocsin.setting.row import REQUIRED, Setting
from tocsin.setting.table import BY_NAME, SETTINGS
from tocsin.unreadable import found

LISTS = (
    *("people", "teams", "services", "sources", "monitors", "anchors", "trackers", "hooks", "tenants", "audiences"),
    *("log_sources", "logs", "probes", "queries", "remedies"),
)
_FIT: dict[str, Callable[[dict[str, Any]], None]] = {
    "hooks": lambda row: check_hook(Hook(**row)),
    "probes": lambda row: check_probe(probe_of(row)),
}
_NAMED = (
    "sources",
    "anchors",
    "hooks",
    "tenants",
    "log_sources",
    "logs",
    "probes",
    "queries",
)  # rows known by `name`, where others have an `id`


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong. `line` is 1-based, 0 when it does not come from the file; `got` is never a secret."""

    key: str
    expected: str
    got: str
    where: str
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        return f"{place}: {self.key}: expected {self.expected}, got {self.got}"


class ConfigError(ValueError):
    """The configuration cannot be used; `flaws` say why, one per thing to correct."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("\n".join(str(flaw) for flaw in self.flaws))


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, by setting name; a list of tables under its own name, each row by key, defaults filled in."""

    values: dict[str, Any]
    file: Path | None
    secret_files: tuple[Path, ...] = ()  # every file that a secret was read from


def read(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str | None], *, tenant: bool = False
) -> Said:
    """Everything said in the file, the environment and the flags. `tenant`: a file that speaks of one organisation
    cannot say where the server listens or what others there are. Raises ConfigError."""
    reader = _Reader(str(file) if file else "tocsin.toml")
    said: dict[str, Any] = {}
    if file is not None:
        try:
            text = file.read_text("utf-8")
            said = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                [Flaw(key="file", expected="a readable file", got=found(error), where=str(file))]
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([_syntax(error, str(file))]) from None
        reader.lines, reader.folder = lines_of(text), file.parent
    if tenant:
        reader.refuse(said)
    values = reader.sections(said, environ, flags)
    if reader.flaws:
        raise ConfigError(reader.flaws)
    return Said(values=values, file=file, secret_files=tuple(dict.fromkeys(reader.secret_files)))


class _Reader:
    """Tables in, checked values out; what does not fit is a flaw, and reading goes on."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[str, int] = {}
        self.flaws: list[Flaw] = []
        self.folder = Path()
        self.secret_files: list[Path] = []

    def refuse(self, said: Mapping[str, Any]) -> None:
        """What only the installation's own file may say is a flaw."""
        server = said.get("server", {})
        for key in server if isinstance(server, dict) else ():
            if key != "zone":
                self._flaw(f"server.{key}", "nothing, in the file of a tenant", server[key])
        if "tenants" in said:
            self._flaw("tenants", "nothing, in the file of a tenant", said["tenants"])

    def sections(
        self, said: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, str | None]
    ) -> dict[str, Any]:
        plain = list(dict.fromkeys(each.section for each in SETTINGS if "[]" not in each.name and "*" not in each.name))
        known = [*plain, *LISTS, "bindings"]
        for name in said:
            if name not in known:
                self._unknown(name, name, known)
        values: dict[str, Any] = {}
        for section in plain:
            values |= self._section(section, said.get(section, {}), environ, flags)
        for section in LISTS:
            values[section] = self._list(section, said.get(section, []))
        values["bindings"] = self._bindings(said.get("bindings", {}))
        return values

    def _section(
        self, section: str, table: Any, environ: Mapping[str, str], flags: Mapping[str, str | None]
    ) -> dict[str, Any]:
        if not isinstance(table, dict):
            self._flaw(section, f"a table: [{section}]", table)
            table = {}
        values = self._table(section, section, table, required=False)
        for setting in SETTINGS:
            if setting.section != section:
                continue
            if setting.env and environ.get(setting.env):
                self._outside(setting, environ[setting.env], setting.env, values)
            elif setting.env and setting.is_secret and environ.get(f"{setting.env}_FILE"):
                file, env = environ[f"{setting.env}_FILE"], f"{setting.env}_FILE"
                values[setting.name] = self._from_file(setting, env, str(Path.cwd() / file))
            given = flags.get(setting.name)
            if given is not None:
                self._outside(setting, given, setting.flag, values)
        if section == "smtp" and values:
            for key in ("host", "from"):
                if f"smtp.{key}" not in values and not self._complained(f"smtp.{key}"):
                    self._flaw(f"smtp.{key}", "a value, because [smtp] is used", None)
        return values

    def _outside(self, setting: Setting, text: str, where: str, values: dict[str, Any]) -> None:
        try:
            values[setting.name] = setting.read(text)
        except Wrong as wrong:
            got = "a secret" if setting.is_secret else repr(text)
            self.flaws.append(Flaw(key=setting.name, expected=str(wrong), got=got, where=where))

    def _list(self, section: str, items: Any) -> list[dict[str, Any]]:
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            self._flaw(section, f"tables: [[{section}]]", items)
            return []
        found = []
        seen: dict[str, str] = {}
        identity = "name" if section in _NAMED else "id"
        for n, item in enumerate(items):
            values = self._table(f"{section}[{n}]", f"{section}[]", item, required=True)
            row = {name.partition("[].")[2]: value for name, value in values.items()}
            name = row.get(identity)
            if name is not None and name.casefold() in seen:
                self._flaw(f"{section}[{n}].{identity}", "a name of its own", name)
            elif name is not None:
                seen[name.casefold()] = name
            path = f"{section}[{n}]"
            if section in _FIT and not any(self._complained(f"{path}.{key}") for key in (*row, "secret_file")):
                self._fits(section, path, row)
            found.append(row)
        return found

    def _fits(self, section: str, path: str, row: dict[str, Any]) -> None:
        """Whether the keys of one row fit each other: which secret fits depends on the format."""
        try:
            _FIT[section](row)
        except ValueError as error:
            field, _, said = str(error).removeprefix("webhook ").partition(": expected ")
            expected, _, got = said.rpartition(", got ")
            self._flaw(f"{path}.{field}", expected, row.get(field), got=got)

    def _bindings(self, table: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(table, dict):
            self._flaw("bindings", "a table: [bindings]", table)
            return {}
        setting = BY_NAME["bindings.*"]
        bindings = {name: self._read(setting, f"bindings.{name}", value, ()) for name, value in table.items()}
        for name in bindings:
            circle = circle_from(bindings, name)
            if circle:
                self._flaw(
                    f"bindings.{name}", "names that lead to somebody", None, got=f"a circle: {' -> '.join(circle)}"
                )
        return bindings

    def _table(self, path: str, section: str, table: dict[str, Any], *, required: bool) -> dict[str, Any]:
        """The settings of one table by name. A secret may be a file: `password_file` for `password`."""
        known = {setting.key: setting for setting in SETTINGS if setting.name.rpartition(".")[0] == section}
        files = {f"{key}_file": setting for key, setting in known.items() if setting.is_secret}
        values: dict[str, Any] = {}
        for key, value in table.items():
            where = f"{path}.{key}"
            if key in known:
                self.secret_files += [Path(self.where)] if known[key].is_secret else []
                values[known[key].name] = self._read(known[key], where, value, None)
            elif key in files:
                values[files[key].name] = self._from_file(files[key], where, value)
            else:
                self._unknown(where, key, [*known, *files])
        if "routing_key" in known and values.get("sources[].routing_key"):
            values["sources[].token"] = values["sources[].routing_key"]
        if required:
            for setting in known.values():
                if setting.default is REQUIRED and setting.name not in values:
                    self._flaw(f"{path}.{setting.key}", "a value", None)
                values.setdefault(setting.name, setting.default)
        return values

    def _read(self, setting: Setting, where: str, value: Any, otherwise: Any) -> Any:
        try:
            return setting.read(value)
        except Wrong as wrong:
            self._flaw(where, str(wrong), value, hide=setting.is_secret, got=wrong.got)
            return otherwise

    def _from_file(self, setting: Setting, where: str, value: Any) -> Any:
        if not isinstance(value, str):
            self._flaw(where, "the name of a file", value)
            return None
        path = self.folder / value
        self.secret_files.append(path)
        try:
            return self._read(setting, where, path.read_text("utf-8").strip(), None)
        except (OSError, UnicodeDecodeError) as error:
            self._flaw(where, "a readable file", f"{path}: {found(error)}")
            return None

    def _unknown(self, where: str, key: str, known: list[str]) -> None:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known)
        self.flaws.append(
            Flaw(
                key=where, expected="a known setting", got=f"{key!r}; {hint}", where=self.where, line=self._line(where)
            )
        )

    def _flaw(self, key: str, expected: str, value: Any, *, hide: bool = False, got: str = "") -> None:
        got = "a secret" if hide and isinstance(value, str) else got or _shown(value)
        self.flaws.append(Flaw(key=key, expected=expected, got=got, where=self.where, line=self._line(key)))

    def _line(self, key: str) -> int:
        """The line of the key, or of the nearest thing around it that was written."""
        while key and key not in self.lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self.lines.get(key, 0)

    def _complained(self, key: str) -> bool:
        return any(flaw.key == key for flaw in self.flaws)


def secrets_in(values: dict[str, Any]) -> Iterable[str]:
    """Every secret that was said, wherever: the log leaves them out."""
    for setting in SETTINGS:
        if setting.is_secret and "[]" in setting.name:
            section, _, key = setting.name.partition("[].")
            yield from (row[key] for row in values[section] if row.get(key))
        elif setting.is_secret and values.get(setting.name):
            yield values[setting.name]


def lines_of(text: str) -> dict[str, int]:
    """The line of every table and key, as a path such as `people[1].methods`; good enough to point at, not a parser."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        if array := re.match(r"\s*\[\[\s*([^\]]+?)\s*\]\]", line):
            n = counts[array[1]] = counts.get(array[1], -1) + 1
            prefix = f"{array[1]}[{n}]"
            found.setdefault(array[1], number)
            found[prefix] = number
        elif table := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
            head, _, rest = table[1].partition(".")
            prefix = f"{head}[{counts[head]}]" if head in counts else head
            prefix = f"{prefix}.{rest}" if rest else prefix
            found[prefix] = number
        elif key := re.match(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""", line):
            name = next(each for each in key.groups() if each is not None)
            found.setdefault(f"{prefix}.{name}" if prefix else name, number)
    return found


def _syntax(error: tomllib.TOMLDecodeError, where: str) -> Flaw:
    said = str(error)
    line = re.search(r"\(at line (\d+)", said)
    message = said.partition(" (at ")[0]
    return Flaw(key="syntax", expected="TOML", got=message, where=where, line=int(line[1]) if line else 0)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)[:80]
