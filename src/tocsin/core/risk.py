"""What a command of the guide does to the world, as a gate: only what is known to read runs on a nod.

Reading is an allow-list, by program and verb; everything else changes something, whatever it looks like. That is advice
for people and a gate for what Tocsin runs, and no boundary against somebody who types the command themselves.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from tocsin.core.hazards import cuts_off, destroys, disturbs, hangs

Risk = Literal["reads", "changes", "disturbs", "cuts off", "destroys"]

MEANS: Mapping[Risk, str] = {
    "reads": "it changes nothing",
    "changes": "it may change something",
    "disturbs": "it changes what an investigator would want to see first",
    "cuts off": "it can lock out whoever runs it",
    "destroys": "it cannot be taken back",
}
SECOND: frozenset[Risk] = frozenset({"cuts off", "destroys"})
"""Run only after a second person has approved the very text."""

_INSIDE = re.compile(r"\bexec\s+(?:-it|-ti|-i\s+-t)\s+(?:\S+\s+)+?--\s+(\S.*)$", re.S)
_SHELLS = frozenset({"bash", "sh", "ash", "zsh"})
_PROMPTS = frozenset({"node", "python", "python3", "irb", "redis-cli", "mongosh", "psql", "mysql"})
_OPERATORS = frozenset(("|", "||", "&&", ";", "\n"))
_KEPT = re.compile(r"/dev/null|(?:/evidence/|/tmp/|\./)?[\w@][\w.@-]*", re.ASCII)  # a file that keeps what was read
_DATE = re.compile(r"\$\(date [^()`$]*\)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII)

_READERS = frozenset(
    {
        "cat", "cut", "date", "df", "dig", "dmesg", "du", "echo", "egrep", "fgrep", "file", "free", "grep", "head",
        "host", "hostname", "id", "iostat", "jq", "last", "ls", "lsof", "mpstat", "netstat", "nproc", "nslookup",
        "open", "pg_isready", "ping", "printf", "ps", "pwd", "sar", "sleep", "ss", "stat", "tail", "test", "top", "tr",
        "traceroute", "true", "uname", "uniq", "uptime", "vmstat", "w", "wc", "which", "who", "whoami",
    }
)  # fmt: skip
_FORBIDDEN: Mapping[str, re.Pattern[str]] = {  # options with which a reader writes
    "date": re.compile(r"-s|--set|[0-9]{8}"),
    "dmesg": re.compile(r"-[cCDEn]|--clear|--read-clear|--console"),
    "hostname": re.compile(r"[^-].*|-F|--file"),
    "ss": re.compile(r"-K|--kill"),
    "sort": re.compile(r"-\w*o|--output|--compress-program"),
    "uniq": re.compile(r"[^-].*"),
}
_VERBS: Mapping[str, re.Pattern[str]] = {  # of the words of a command without its options: how reading ones begin
    "kubectl": re.compile(
        r"(?:get|describe|logs|top|explain|version|cluster-info|api-resources|events|auth can-i"
        r"|rollout (?:history|status)|config (?:view|get-contexts|current-context))\b"
    ),
    "oc": re.compile(r"(?:get|describe|logs|status|version|whoami)\b"),
    "docker": re.compile(r"(?:ps|logs|inspect|images|top|stats|version|info|compose (?:ps|logs|top|images))\b"),
    "docker-compose": re.compile(r"(?:ps|logs|top|images|version)\b"),
    "git": re.compile(r"(?:log|status|diff|show|blame|rev-parse|ls-files|describe|shortlog)\b"),
    "helm": re.compile(r"(?:list|ls|status|history|get|version)\b"),
    "istioctl": re.compile(r"(?:proxy-status|proxy-config|ps|pc|analyze|version)\b"),
    "alembic": re.compile(r"(?:current|history|heads|show|branches)\b"),
    "patronictl": re.compile(r"(?:list|history|show-config|topology|version)\b"),
    "systemctl": re.compile(r"(?:status|show|is-active|is-enabled|is-failed|list-\w+|cat)\b"),
    "redis-cli": re.compile(
        r"(?:ping|info|llen|get|ttl|pttl|exists|dbsize|type|strlen|hgetall|hget|hlen|lrange|lindex|scard|smembers|zcard"
        r"|zrange|slowlog (?:get|len)|client list|memory (?:usage|stats|doctor)|scan|keys|time|lastsave|config get"
        r"|latency (?:latest|history))\b",
        re.I,
    ),
    "aws": re.compile(r"(?:[\w-]+ (?:describe|list|get)-[\w-]+|s3 ls)\b"),
    "gcloud": re.compile(r"(?:[\w-]+ ){1,3}(?:list|describe)\b"),
    "openssl": re.compile(r"(?:x509|s_client|verify|version|crl)\b"),
}
_VERB_FORBIDDEN: Mapping[str, re.Pattern[str]] = {
    "git": re.compile(r"--output|--ext-diff|-O|--open-files-in-pager|-c$|--config-env|--exec-path="),
    "openssl": re.compile(r"-out|-passout|-signkey|-writerand|-sess_out|-keylogfile"),
    "kubectl": re.compile(r"--raw|--output-directory"),
    "journalctl": re.compile(
        r"--vacuum|--rotate|--flush|--sync|--relinquish|--setup-keys|--update-catalog|--cursor-file"
    ),
}
_VALUED = frozenset(  # options whose value is the next word
    {
        "-n", "--namespace", "--context", "--cluster", "--kubeconfig", "-l", "--selector", "-c", "--container", "-h",
        "-p", "-a", "-u", "-f", "-o", "--output", "--tail", "--since", "-s", "-H", "--host", "--port", "--username",
        "-C", "--profile", "--region", "--project",
    }
)  # fmt: skip
_SQL_READS = re.compile(
    r"\s*(?:select|show|explain(?!\s+\(?\s*analy[sz]e)|table|values|with|\\[dlz]\w*\+?)(?!\w)", re.I
)
_SQL_WRITES = re.compile(
    r"\b(?:insert|update|delete|drop|alter|create|truncate|grant|revoke|into|merge|call|do|copy|lock|vacuum|analy[sz]e"
    r"|reindex|cluster|refresh|set|reset|share|nextval|setval)\b",
    re.I,
)
_SQL_FILES = re.compile(r"-f|--file|-o|--output|-L|--log-file|--tee|--init-command|--local-infile")
_SQL_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_SQL_KNOWN = re.compile(
    r"(?:count|sum|avg|min|max|now|coalesce|round|extract|date_trunc|age|to_char|lower|upper|length|cast|nullif|abs|greatest"
    r"|least|in|exists|and|or|not|any|all|on|as|over|filter|values|using|where|from|select|interval|current_setting"
    r"|current_database|version|row_number|pg_is_in_recovery|pg_size_pretty|pg_database_size|pg_(?:total_)?relation_size"
    r"|pg_table_size|pg_indexes_size|pg_blocking_pids|pg_wal_lsn_diff|pg_current_wal_lsn|pg_last_wal_\w+_lsn"
    r"|pg_last_xact_replay_timestamp|pg_postmaster_start_time)",
    re.I,
)
_MONGO_READS = re.compile(
    r"\s*(?:db\.(?:adminCommand\(\s*(?:'ping'|\"ping\"|\{\s*ping:\s*1\s*\})\s*\)|stats\(\)|serverStatus\(\)|currentOp\(\)"
    r"|hello\(\)|version\(\))|rs\.(?:status|conf)\(\))\s*;?\s*"
)
_CURL_WRITES = re.compile(
    r"-d.*|--data.*|-F.*|--form.*|-T.*|--upload-file.*|-K.*|--config.*|-o.*|--output.*|-O|--remote-name.*|--json.*"
    r"|-Q.*|--quote.*|-D.*|--dump-header.*|-c.*|--cookie-jar.*|--trace.*|--libcurl.*|--stderr.*|--etag-save.*|--hsts.*"
)
_TAR_RUNS = re.compile(r"--to-command|--checkpoint-action|--use-compress|-I|--remove-files")
_CURL_SHORT_VALUED = "AbCeEHmPrtuUwXxyYz"


def risk(code: str) -> Risk:
    """The worst that the command does. What is not known to read only is taken to change something."""
    flat = code.replace("\\\n", " ")
    if destroys(flat) or re.search(r"\bcurl\b.*\s(?:-X\s*|--request[= ])DELETE\b", flat):
        return "destroys"
    if cuts_off(flat):
        return "cuts off"
    if _reads(flat):
        return "reads"
    return "disturbs" if disturbs(flat) else "changes"


def endless(code: str) -> str:
    """Why the command does not end by itself, or ""; a terminal that is asked for in vain keeps none from ending."""
    flat = code.replace("\\\n", " ")
    why = hangs(flat)
    inner = _INSIDE.search(flat)
    if not why or inner is None:
        return why
    words = inner[1].split()
    prompts = words[0] in _SHELLS or (words[0] in _PROMPTS and all(each.startswith("-") for each in words[1:]))
    return hangs(inner[1]) or (why if prompts else "")


def _reads(code: str) -> bool:
    plain = _DATE.sub("0", code)
    if "`" in plain or "$(" in plain or "<(" in plain or ">(" in plain:
        return False
    lexer = shlex.shlex(plain, posix=True, punctuation_chars="|;&<>()\n")
    lexer.whitespace, lexer.commenters = " \t\r", ""
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        return False
    pieces: list[list[str]] = [[]]
    for token in tokens:
        if token in _OPERATORS:
            pieces.append([])
        else:
            pieces[-1].append(token)
    said = [each for each in pieces if each]
    return bool(said) and all(_piece_reads(each) for each in said)


def _piece_reads(words: list[str]) -> bool:
    """Whether one command, with its redirections, only reads."""
    kept: list[str] = []
    n = 0
    while n < len(words):
        word = words[n]
        following = words[n + 1] if n + 1 < len(words) else ""
        if word in (">", ">>"):
            if not _KEPT.fullmatch(following):
                return False
            n += 2
        elif word in (">&", "<"):
            n += 2
        elif set(word) <= set("|;&<>()\n"):
            return False
        else:
            kept.append(word)
            n += 1
    return _command_reads(kept)


def _command_reads(words: Sequence[str]) -> bool:
    while words and words[0] in ("sudo", "time", "command"):
        words = words[1:]
    if not words or all(map(_ASSIGNMENT.fullmatch, words)):
        return True  # before a command, an assignment may be GIT_EXTERNAL_DIFF, LD_PRELOAD or PATH
    head, rest = words[0], list(words[1:])
    special = _SPECIAL.get(head)
    if special is not None:
        return special(rest)
    if head in _READERS:
        return not any(_refused(_FORBIDDEN.get(head), each) for each in rest)
    verbs = _VERBS.get(head)
    if verbs is None or any(_refused(_VERB_FORBIDDEN.get(head), each) for each in rest):
        return False
    return bool(verbs.match(" ".join(_without_options(rest))))


def _refused(forbidden: re.Pattern[str] | None, word: str) -> bool:
    return forbidden is not None and forbidden.match(word) is not None


def _without_options(words: Sequence[str]) -> list[str]:
    left: list[str] = []
    n = 0
    while n < len(words):
        word = words[n]
        if word.startswith("-"):
            n += 2 if word in _VALUED and not left else 1
            continue
        left.append(word)
        n += 1
    return left


def _kubectl(words: list[str]) -> bool:
    """`kubectl exec POD -- COMMAND` reads where the command does."""
    if "exec" in _without_options(words)[:1]:
        return "--" in words and _command_reads(words[words.index("--") + 1 :])
    if any(_refused(_VERB_FORBIDDEN["kubectl"], each) for each in words):
        return False
    return bool(_VERBS["kubectl"].match(" ".join(_without_options(words))))


def _after_options(words: list[str]) -> bool:
    """`timeout 5 COMMAND`, `nice -n 10 COMMAND`."""
    while words and (words[0].startswith("-") or words[0].rstrip("smhd").replace(".", "").isdigit()):
        words = words[1:]
    return bool(words) and _command_reads(words)


def _curl(words: list[str]) -> bool:
    method = ""
    for n, word in enumerate(words):
        found = re.fullmatch(r"(?:-\w*X|--request)=?(.*)", word)
        if found:
            method = found[1] or (words[n + 1] if n + 1 < len(words) else "")
    if method.upper() not in ("", "GET", "HEAD"):
        return False
    valued = False
    for word in words:
        if valued:
            valued = False
            continue
        if word.startswith("-") and not word.startswith("--"):
            letters = word[1:]
            value_at = next((n for n, letter in enumerate(letters) if letter in _CURL_SHORT_VALUED), len(letters))
            if any(_CURL_WRITES.fullmatch("-" + letter) for letter in letters[:value_at]):
                return False
            valued = value_at == len(letters) - 1
        elif word.startswith("--") and _CURL_WRITES.fullmatch(word):
            return False
    return True


def _sql(words: list[str]) -> bool:
    """psql and mysql with the statement on the command line."""
    statements = [following for word, following in _pairs(words) if word in ("-c", "-e", "--command", "--execute")]
    statements += [word.partition("=")[2] for word in words if word.startswith(("--command=", "--execute="))]
    if any(map(_SQL_FILES.match, words)):
        return False
    listing = "-l" in words or "--list" in words
    return bool(statements or listing) and all(map(_statement_reads, statements))


def _pairs(words: list[str]) -> Iterable[tuple[str, str]]:
    """Each word with the one after it."""
    return zip(words, [*words, ""][1:], strict=True)


def _statement_reads(sql: str) -> bool:
    bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
    asks = re.match(r"\s*\\[dlz]", sql) is not None  # \\dt; any other backslash runs or writes something
    if sql.count("\\") > asks or "$$" in bare or "--" in bare or "/*" in bare or re.search(r"\"\s*\(", bare):
        return False
    if _SQL_WRITES.search(bare) or not all(map(_SQL_KNOWN.fullmatch, _SQL_CALL.findall(bare))):
        return False
    return all(_SQL_READS.match(each) for each in bare.split(";") if each.strip())


def _mongo(words: list[str]) -> bool:
    said = [following for word, following in _pairs(words) if word == "--eval"]
    return bool(said) and all(map(_MONGO_READS.fullmatch, said))


def _find(words: list[str]) -> bool:
    return not any(re.match(r"-(?:exec|execdir|ok|okdir|delete|fprint\w*|fls)", each) for each in words)


def _sed(words: list[str]) -> bool:
    printing = words[:1] == ["-n"] and len(words) > 1 and re.fullmatch(r"(?:\d+|\$)(?:,(?:\d+|\$))?p", words[1])
    return bool(printing) and not any(each.startswith("-") for each in words[2:])


def _awk(words: list[str]) -> bool:
    programs = [each for each in words if not each.startswith("-")]
    return bool(programs) and not re.search(r"system|getline|[>|@]|-f|-i", " ".join(words))


def _journal(words: list[str]) -> bool:
    return not any(_refused(_VERB_FORBIDDEN["journalctl"], each) for each in words)


def _sorted(words: list[str]) -> bool:
    return not any(_refused(_FORBIDDEN["sort"], each) for each in words)


def _service(words: list[str]) -> bool:
    return words[-1:] == ["status"]


def _dump(words: list[str]) -> bool:
    """A dump reads; what it writes is a file that keeps evidence."""
    for word, following in _pairs(words):
        if word in ("-f", "--file") and not _KEPT.fullmatch(following):
            return False
        if word.startswith("--file=") and not _KEPT.fullmatch(word[7:]):
            return False
    return True


def _archived(words: list[str]) -> bool:
    """`tar -czf evidence.tar.gz PATHS`."""
    if len(words) < 3 or not re.fullmatch(r"-?c[zjJv]*f|-?[zjJv]*c[zjJv]*f", words[0]):
        return False
    return bool(_KEPT.fullmatch(words[1])) and not any(map(_TAR_RUNS.match, words))


_SPECIAL: Mapping[str, Callable[[list[str]], bool]] = {
    "kubectl": _kubectl,
    "curl": _curl,
    "psql": _sql,
    "mysql": _sql,
    "mariadb": _sql,
    "mongosh": _mongo,
    "find": _find,
    "sed": _sed,
    "awk": _awk,
    "sort": _sorted,
    "journalctl": _journal,
    "service": _service,
    "pg_dump": _dump,
    "tar": _archived,
    "timeout": _after_options,
    "nice": _after_options,
}
