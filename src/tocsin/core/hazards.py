"""What a command can do to people in a hurry: destroy, hang, cut them off, or do nothing at all.

Advice for authors, by name and option; it is not the gate that decides what may run (that is `core/risk.py`).
"""

from __future__ import annotations

import re

_DESTROYS = re.compile(
    r"--replicas[= ]0\b|\bflush(?:all|db)\b|\bkubectl\s+delete\b|\bdrop\s+(?:table|database|schema)\b"
    r"|\btruncate\s+table\b|\bdelete\s+from\b|\brm\s+-\w*[rf]"
    r"|\bpg_terminate_backend|\bfailover\b|failover-to|\brestore(?:_\w+)?\.(?:sh|py)\b|\brotate[-_]\w*\S*\s+.*--(?:force|all)\b"
    r"|\bterraform\s+destroy\b|\bmkfs|\bdd\s+if="
    r"|\bgit\s+push\s+.*(?:--force|-f)\b|\breset\s+--hard\b|\bhelm\s+(?:uninstall|delete)\b|\bredis-cli\s+(?:.*\s)?del\b|\bxargs\s+kill"
    r"|\bkill\s+-9|\bdocker\s+(?:rm|system\s+prune|volume\s+rm)"
    r"|\breplay-transactions|\bpsql\b.*\s-f\s",
    re.I,
)
_CHANGES_STATE = re.compile(
    r"\brollout\s+(?:restart|undo)\b|\b(?:docker-compose|docker compose|systemctl|service|pm2)\s+(?:\S+\s+)?restart\b"
    r"|\brestart\b|\bcordon\b|\bdrain\b",
    re.I,
)
_ISOLATES = re.compile(
    r"\bufw\s+(?:default\s+)?deny\b|\biptables\s+.*\bDROP\b|\bnetwork-?policy\b.*quarantine|\bip\s+link\s+set\s+.*\bdown\b",
    re.I,
)
_CUTS_OFF = re.compile(
    r"\bufw\s+deny\s+from\s+any\s+to\s+any\b|\bufw\s+default\s+deny\s+incoming\b|\biptables\s+-P\s+INPUT\s+DROP\b|\bsystemctl\s+stop\s+(?:ssh|sshd|networking|network)\b|\bip\s+link\s+set\s+\w+\s+down\b|\bufw\s+deny\s+(?:22|ssh)\b",
    re.I,
)
_KEEPS = re.compile(
    r"\bkubectl\s+logs\b.*>|\bkubectl\s+get\s+all\b.*>|\bpg_dump\b|\btar\s+-?\w*c|\bjournalctl\b.*>|\bdmesg\b.*>|\bscreenshot\b|\bforensic|\bdd\s+if=.*of=.*(?:evidence|image)|/evidence/|>\s*\S*evidence",
    re.I,
)
_EVIDENCE = re.compile(r"\bevidence\b|\bcollect logs\b|\bcapture (?:system )?state\b|\bpreserve\b|\bforensic", re.I)
_SQL_TOOL = re.compile(
    r"^\s*(?:sudo\s+)?(?:psql|mysql|mongosh|mongo|sqlite3)\b(?!.*(?:\s-(?:c|e|f)\b|\s--(?:command|eval|file|execute)\b|<|-l\b))",
    re.I,
)


def destroys(code: str) -> bool:
    """Whether the command takes something away that a second thought cannot bring back."""
    return bool(_DESTROYS.search(code))


def disturbs(code: str) -> bool:
    """Whether the command changes what an investigator would want to see first."""
    return bool(_DESTROYS.search(code) or _CHANGES_STATE.search(code) or _ISOLATES.search(code))


def cuts_off(code: str) -> bool:
    """Whether the command can lock out the person who runs it."""
    return bool(_CUTS_OFF.search(code))


def keeps_evidence(code: str, text: str) -> bool:
    """Whether the step keeps evidence, by its command or by its words."""
    return bool(_KEEPS.search(code) or _EVIDENCE.search(text))


def hangs(code: str) -> str:
    """Why the command never ends or waits for a person, or "" where it ends by itself."""
    words = code.split()
    head = words[1] if words[:1] == ["sudo"] and len(words) > 1 else words[0] if words else ""
    if head in ("top", "htop", "iotop", "nethogs", "telnet", "watch", "vi", "vim", "nano", "less", "more") and not (
        head == "top" and "-b" in words
    ):
        return f"{head} waits for a person"
    if re.search(r"\b(?:exec|run)\s+(?:-\w*i\w*t\w*|-\w*t\w*i\w*|-i\s+-t|--interactive)\b", code):
        return "-it asks for a terminal"
    if head == "tcpdump" and not re.search(r"\s-c\s*\d|\btimeout\b", code):
        return "tcpdump without -c never ends"
    if re.search(r"\bopenssl\s+s_client\b", code) and not re.search(r"<\s*/dev/null|echo\b.*\|", code):
        return "openssl s_client waits for input; add </dev/null"
    if re.search(
        r"\btail\s+(?:-\w*[fF]\b|--follow)|\blogs\s+(?:.*\s)?(?:-f|--follow)\b|\bjournalctl\s+.*-f\b|\bwrangler\s+tail\b|\bport-forward\b",
        code,
    ):
        return "it follows its input and never ends"
    if re.search(r"\bping\s+(?!.*-c\s*\d)", code) and head == "ping":
        return "ping without -c never ends"
    if _SQL_TOOL.search(code):
        return "it opens a prompt; give the statement on the command line"
    return ""


def does_nothing(code: str) -> str:
    """Why the command does not do what it looks like."""
    if re.search(r"\bredis-cli\s+(?:-\S+\s+)*del\s+\S*\*", code, re.I):
        return "redis DEL takes no pattern: * deletes a key of that very name"
    return ""


def commented_command(line: str) -> bool:
    """Whether a comment line of a shell fence is a command that somebody switched off."""
    return bool(
        re.match(
            r"^\s*#\s*(?:sudo\s+)?(?:iptables|kubectl|docker|systemctl|rm|ufw|psql|redis-cli|curl|aws|gcloud|terraform|helm)\s+\S*[-/:=.]?\S*\s+\S",
            line,
        )
    )


def suspected_placeholder(code: str) -> str:
    """A value that is meant to be replaced although nothing marks it: XXX, previous_value, your-..."""
    found = re.search(
        r"\b(?:X{2,}|YYYY\S*|your[-_]\w+|previous_value|affected_tables|backup_timestamp|suspicious[.\w]*address|changeme|example_\w+|hotfix-X+)\b",
        code,
    )
    return found[0] if found else ""
