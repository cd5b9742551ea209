"""What names in a module mean, as far as its text says: `r.get` after `import requests as r` is `requests.get`.

A variable that was made by a call is that call: after `s = requests.Session()`, `s.get` is `requests.Session().get`.
What is handed in from elsewhere is known only where it is annotated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef
DEPTH_MAX = 30  # of attributes and calls in one name
STREAMS = ("asyncio.StreamReader()", "asyncio.StreamWriter()")  # what asyncio.open_connection returns


def imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> dotted path, for every import of the module, wherever it stands."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: Mapping[str, str], depth: int = 0) -> str:
    """`requests.Session().get` for an expression that says so, "" where nobody can tell."""
    if depth > DEPTH_MAX:
        return ""
    match node:
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr):
            return names.get(f"self.{attr}", "")
        case ast.Attribute(value=value, attr=attr):
            base = dotted(value, names, depth + 1)
            return f"{base}.{attr}" if base else ""
        case ast.Call(func=func):
            base = dotted(func, names, depth + 1)
            return f"{base}()" if base else ""
        case ast.Await(value=value):
            return dotted(value, names, depth + 1)
    return ""


def bound_in(body: ast.AST, names: Mapping[str, str]) -> dict[str, str]:
    """What the assignments and `with`s directly in a module, a class or a function make of names: name -> dotted."""
    found: dict[str, str] = {}
    for node in statements(body):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _bind(found, target, dotted(value, {**names, **found}))
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                made = dotted(value, {**names, **found}) if value is not None else ""
                said = dotted(annotation, names)
                _bind(found, target, made or (f"{said}()" if said else ""))
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        _bind(found, item.optional_vars, dotted(item.context_expr, {**names, **found}))
    return found


def arguments_of(function: Function, names: Mapping[str, str]) -> dict[str, str]:
    """What the parameters are: nothing that the module's names say, unless the annotation names a class."""
    every = function.args
    found = {}
    for each in (*every.posonlyargs, *every.args, *every.kwonlyargs):
        said = dotted(each.annotation, names) if each.annotation is not None else ""
        found[each.arg] = f"{said}()" if said else ""
    return found


def attributes_of(owner: ast.ClassDef, names: Mapping[str, str]) -> dict[str, str]:
    """`self.x` -> what any method of the class assigned to it."""
    found: dict[str, str] = {}
    for method in owner.body:
        if isinstance(method, Function):
            inside = {**names, **arguments_of(method, names)}
            found |= {name: what for name, what in bound_in(method, inside).items() if name.startswith("self.")}
    return found


def statements(body: ast.AST) -> Iterator[ast.AST]:
    """Every node of a scope, without those of functions and classes inside of it, in the order of the text."""
    for child in ast.iter_child_nodes(body):
        yield child
        if not isinstance(child, (*Function.__args__, ast.ClassDef, ast.Lambda)):
            yield from statements(child)


def _bind(found: dict[str, str], target: ast.expr, what: str) -> None:
    match target:
        case ast.Name(id=name):
            found[name] = what
        case ast.Attribute(value=ast.Name(id="self"), attr=attr) if what:
            found[f"self.{attr}"] = what
        case ast.Tuple(elts=[ast.Name(id=reader), ast.Name(id=writer)]) if what == "asyncio.open_connection()":
            found[reader], found[writer] = STREAMS
