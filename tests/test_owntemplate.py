"""Own templates are written by people who may be wrong, or worse: they reach nothing, and end soon."""

from __future__ import annotations

import pytest

from tocsin.saying.owntemplate import ITEMS_MAX, TEXT_MAX, OwnTemplate, render


def test_values_conditions_and_lists_are_what_a_template_needs():
    source = "{{ status|upper }}{% if eta is defined %} until {{ eta }}{% endif %}: {{ services|join(', ') }}"

    assert render(source, {"status": "identified", "services": ["a", "b"]}) == ("IDENTIFIED: a, b", ())
    assert render("{% for s in services %}- {{ s }}\n{% endfor %}", {"services": ["a", "b"]}) == ("- a\n- b\n", ())


def test_what_has_no_value_is_missing_and_nothing_is_said():
    assert render("Impact: {{ impact }}, ETA {{ eta }}", {"impact": ""}) == ("", ("eta", "impact"))
    assert render("ETA {{ eta|default('unknown') }}", {}) == ("ETA unknown", ())


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ status.__init__.__globals__ }}",
        "{{ (status|attr('__class__')) }}",
        "{{ status['__class__'] }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ namespace(a=1) }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 999999999 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% for a in s %}{% for b in s %}{% for c in s %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% set x = 1 %}",
        "{{ status|center(100000000) }}",
        "{{ '%s' % status }}",
        "{{ status|format(1) }}",
        "{{ status",
        "{% block b %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{{ status() }}",
        "{{ [1, 2] }}",
        "{{ a.b.c.__d__ }}",
    ],
)
def test_an_escape_is_refused_by_name(attack: str):
    with pytest.raises(ValueError):
        render(attack, {"status": "identified", "s": ["a"] * ITEMS_MAX, "a": "x"})
    with pytest.raises(ValueError, match="body: "):
        OwnTemplate(id="x", audience="customers", body=attack)


def test_the_size_is_bounded_while_it_grows():
    loops = "{% for a in s %}{% for b in s %}{{ t }}{% endfor %}{% endfor %}"

    with pytest.raises(ValueError, match=f"at most {TEXT_MAX} characters"):
        render(loops, {"s": ["x"] * 10_000, "t": "y" * 2_000})


def test_a_value_is_no_template():
    assert render("{{ impact }}", {"impact": "{{ 7 * 7 }}{% include 'x' %}"}) == ("{{ 7 * 7 }}{% include 'x' %}", ())
