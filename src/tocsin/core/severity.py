"""How bad it is: the guide's decision tree, the ranks, and what an alert's own words for severity mean here."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.core.policy import Policy, Question, Severity, severity_of

WORDS = {"critical": 0, "error": 1, "warning": 2, "info": 3}
"""Ranks of the words that monitoring systems agree on; clamped to what the policy has."""

RANK_WITHOUT_WORD = 1  # an alert that does not say how bad it is gets the worst but one
LABELS = ("severity", "priority")  # where alerts say it; the first that says something known counts
YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


def classify(policy: Policy, answers: Mapping[str, str]) -> Severity | None:
    """The severity of the first question answered with yes, in the guide's order.

    `answers` maps questions, in any letter case, to yes or no. When every question before it is answered with no, the
    tree's last line (an empty question) decides. None while the tree cannot decide yet: see `next_question`.
    """
    said = _answers(answers)
    for row in policy.decision_tree:
        answer = True if not row.question.strip() else said.get(_folded(row.question))
        if answer is None:
            return None
        if answer:
            return severity_of(policy, row.severity)
    return None


def next_question(policy: Policy, answers: Mapping[str, str]) -> Question | None:
    """The question of the tree that must be answered next, or None when it has decided or has no more."""
    said = _answers(answers)
    for row in policy.decision_tree:
        if not row.question.strip() or said.get(_folded(row.question)):
            return None
        if _folded(row.question) not in said:
            return row
    return None


def worse(one: Severity, other: Severity) -> Severity:
    """The one that is worse, that is of the smaller rank; `one` when they are equal."""
    return other if other.rank < one.rank else one


def at_rank(policy: Policy, rank: int) -> Severity:
    """The severity of this rank, clamped to the worst and the mildest there are. Raises ValueError without any."""
    if not policy.severities:
        raise ValueError(f"severities: expected at least one, got none in {policy.title!r}")
    ordered = sorted(policy.severities, key=lambda each: each.rank)
    return ordered[max(0, min(rank, len(ordered) - 1))]


def words_of(policy: Policy) -> dict[str, str]:
    """What an alert's severity may say (in lower case) -> the id of ours.

    The policy's mapping wins over its ids, its ids over its names, its names over the common words.
    """
    words = {word: at_rank(policy, rank).id for word, rank in WORDS.items()}
    words.update({each.name.casefold(): each.id for each in policy.severities if each.name})
    words.update({each.id.casefold(): each.id for each in policy.severities})
    for word, meant in policy.severity_mapping.items():
        severity = severity_of(policy, meant)
        if severity:
            words[word.casefold()] = severity.id
    return words


def severity_from_labels(policy: Policy, labels: Mapping[str, str]) -> Severity:
    """What the alert's labels say, else the worst but one. Source: DESIGN section 2, "Decided"."""
    words = words_of(policy)
    for label in LABELS:
        meant = words.get(labels.get(label, "").strip().casefold())
        severity = severity_of(policy, meant) if meant else None
        if severity:
            return severity
    return at_rank(policy, RANK_WITHOUT_WORD)


def _answers(answers: Mapping[str, str]) -> dict[str, bool]:
    said: dict[str, bool] = {}
    for question, answer in answers.items():
        word = answer.strip().casefold()
        if word in YES or word in NO:
            said[_folded(question)] = word in YES
    return said


def same_question(one: str, other: str) -> bool:
    """Whether two texts ask the same, in any letter case and spacing."""
    return _folded(one) == _folded(other)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
