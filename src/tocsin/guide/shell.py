"""The commands of a guide: fences cut into statements with their lines, and code spans that are commands.

Nothing is executed and nothing is guessed: a fence that is tagged as shell but holds prose or a chat command is said to
be one. Classes here serve the linter's advice; the gate for running anything is in `runbook/`.
"""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Block

STATEMENTS_MAX = 5000  # of one fence

SHELL = frozenset(
    {"bash", "sh", "shell", "zsh", "console", "terminal", "shell-session", "fish", "ksh", "cmd", "powershell", "ps1"}
)
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
_OPENS = re.compile(r"^\s*(?:if|for|while|until|case|function\s+\w+|\w+\s*\(\)\s*\{)(?:\s|$)")
_CLOSES = re.compile(r"(?:^|;)\s*(?:fi|done|esac|\})\s*(?:$|[;|&<>])")
BINARIES = frozenset(
    [
        "kubectl",
        "docker",
        "docker-compose",
        "podman",
        "psql",
        "mysql",
        "mongosh",
        "mongo",
        "redis-cli",
        "curl",
        "wget",
        "git",
        "systemctl",
        "journalctl",
        "service",
        "ssh",
        "scp",
        "rsync",
        "tail",
        "cat",
        "grep",
        "egrep",
        "ps",
        "top",
        "htop",
        "df",
        "du",
        "free",
        "netstat",
        "ss",
        "lsof",
        "ping",
        "traceroute",
        "nslookup",
        "dig",
        "openssl",
        "helm",
        "terraform",
        "ansible",
        "ansible-playbook",
        "aws",
        "gcloud",
        "az",
        "npm",
        "npx",
        "pnpm",
        "yarn",
        "node",
        "python",
        "python3",
        "pip",
        "make",
        "bash",
        "sh",
        "sudo",
        "kill",
        "pkill",
        "tcpdump",
        "iostat",
        "vmstat",
        "strace",
        "jq",
        "yq",
        "istioctl",
        "patronictl",
        "pg_dump",
        "pg_restore",
        "pg_ctl",
        "pg_isready",
        "vault",
        "consul",
        "nomad",
        "wrangler",
        "vercel",
        "flyctl",
        "fly",
        "heroku",
        "supabase",
        "pm2",
        "nginx",
        "k6",
        "ab",
        "wrk",
        "ufw",
        "iptables",
        "crontab",
        "tar",
        "gzip",
        "find",
        "sed",
        "awk",
        "chmod",
        "chown",
        "rm",
        "mv",
        "cp",
        "ls",
        "mkdir",
        "touch",
        "echo",
        "export",
        "source",
        "alembic",
        "flask",
        "django-admin",
        "rails",
        "bundle",
        "cargo",
        "go",
        "java",
        "mvn",
        "gradle",
        "dotnet",
        "argocd",
        "flux",
        "eksctl",
        "kops",
        "rclone",
        "restic",
        "etcdctl",
        "rabbitmqctl",
        "kafka-topics",
        "kafka-consumer-groups",
        "gh",
        "glab",
        "doctl",
        "linode-cli",
        "oc",
        "minikube",
        "kind",
        "skaffold",
        "stern",
        "k9s",
        "hostname",
        "date",
        "uptime",
        "who",
        "w",
        "last",
        "id",
    ]
)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One command as written; `comment` is the note above it."""

    code: str
    line: int
    comment: str = ""
    comment_line: int = 0


def is_shell(block: Block) -> bool:
    """Whether the fence is tagged as shell, or is untagged and every line of it starts like a command."""
    tag = block.info.split()[0].casefold().strip("{}.") if block.info else ""
    if tag in SHELL:
        return True
    if tag:
        return False
    lines = [line.strip() for line in block.text.split("\n") if line.strip() and not line.strip().startswith("#")]
    return bool(lines) and all(_like_a_command(line) for line in lines[:50])


def _like_a_command(line: str) -> bool:
    words = line.removeprefix("$ ").split()
    return (
        bool(words) and (words[0] in BINARIES or words[0].startswith("./") or line.startswith("$ ")) and len(words) > 1
    )


def not_shell(block: Block) -> str:
    """Why a fence tagged as shell is none: "a chat command", "prose", or "" where it is one."""
    found = statements(block)
    if not found:
        return "" if block.text.strip() else "empty"
    if all(re.match(r"/[a-z][\w-]*(?:\s|$)", each.code) and "/" not in each.code[1:].split()[0] for each in found):
        return "a chat command"
    prose = [
        each
        for each in found
        if re.match(r"(?:\d+[.)]\s|[-*•]\s)", each.code) or re.match(r"[A-Z][a-z]+(?:\s+[a-z]+){4,}[.:]?$", each.code)
    ]
    box = [each for each in found if re.search(r"[│┌┐└┘├─═║╔╗]{2}", each.code)]
    return "prose" if len(prose) * 2 > len(found) else "a drawing" if len(box) * 2 > len(found) else ""


def statements(block: Block) -> list[Statement]:
    """The fence as statements: continuation lines, open quotes, here-documents and compound commands stay together."""
    first = block.line + (block.kind == "fence")
    found: list[Statement] = []
    held: list[str] = []
    start, comment, comment_line, depth, until = 0, "", 0, 0, ""
    prompts = any(re.match(r"^\s*\$ ", line) for line in block.text.split("\n"))
    for n, raw in enumerate(block.text.rstrip("\n").split("\n"), first):
        line = raw.rstrip()
        if until:
            held.append(raw)
            until = "" if line.strip() == until else until
        elif not held and (not line.strip() or line.lstrip().startswith("#")):
            if line.strip():
                text = line.lstrip("# \t").strip()
                comment, comment_line = (
                    (f"{comment} {text}", comment_line)
                    if comment and comment_line and n == comment_line + 1
                    else (text, n)
                )
            elif not found or found[-1].comment != comment:
                comment = comment if comment_line == n - 1 else ""
            continue
        else:
            if prompts and not held and not re.match(r"^\s*\$ ", raw):
                continue  # output shown below a prompt
            start = start if held else n
            held.append(re.sub(r"^\s*\$ ", "", raw) if prompts else raw)
            marker = _HEREDOC.search(line)
            until = marker[1] if marker and "<<<" not in line else ""
            depth += bool(_OPENS.match(line)) - bool(_CLOSES.search(line)) if depth or _OPENS.match(line) else 0
        if held and not until and depth <= 0 and not line.endswith("\\") and not _open_quote("\n".join(held)):
            code = "\n".join(held).strip()
            if len(found) < STATEMENTS_MAX:
                found.append(Statement(code=code, line=start, comment=comment, comment_line=comment_line))
            held, depth = [], 0
            comment_line = 0
    if held:
        found.append(Statement(code="\n".join(held).strip(), line=start, comment=comment, comment_line=comment_line))
    return found


def _open_quote(text: str) -> bool:
    if len(text) > 20_000:
        return False
    quote, skip = "", False
    for n, letter in enumerate(text):
        if skip:
            skip = False
        elif letter == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and (n == 0 or text[n - 1].isspace()):
            return False if "\n" not in text[n:] else _open_quote(text[text.index("\n", n) :])
    return bool(quote)


def inline_command(code: str) -> bool:
    """Whether a code span is a command rather than a name, a path or a value."""
    words = code.split()
    if len(words) < 2 or len(code) > 500:
        return False
    head = words[0].removeprefix("$")
    if head in BINARIES:
        return True
    if re.fullmatch(r"\.{0,2}/?[\w.-]+(?:/[\w.-]+)+", words[0]) and not words[0].startswith("/"):
        return True
    return bool(re.fullmatch(r"[A-Za-z][\w.-]*", words[0])) and any(word.startswith("--") for word in words[1:])
