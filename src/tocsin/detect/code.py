"""Failure modes in Python, seen in its text: waits without a limit, errors that vanish, retries that never rest.

What is found is what the text says; what a framework, a subclass or a setting elsewhere adds is not seen, and neither
is what is handed in without an annotation. Few checks, each with a failure that it names; style is left to linters.
Source: docs/decisions/0230-failure-modes-are-named.md
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

import msgspec

from tocsin.core.policy import Finding
from tocsin.detect.codenames import (
    Function,
    arguments_of,
    attributes_of,
    bound_in,
    dotted,
    imported,
    statements,
)
from tocsin.detect.coderules import BLOCK, BY_ID, HANDLER, RETRY, SWALLOW, TASK, UNREAD, WAIT, Level
from tocsin.detect.codewaits import (
    BLOCKING,
    BY_SOCKET,
    PAUSES,
    TASKS,
    TIMEOUT_BLOCKS,
    TIMEOUT_CALLS,
    UNSET,
    WAITS,
    Wait,
)

TIDIES = re.compile(r"close|exit|del__|clean|final|stop|shutdown|teardown|dispose", re.IGNORECASE)
RESTS = re.compile(r"wait|sleep|poll|select|pause|throttle|back_?off|delay", re.IGNORECASE)
ALLOW = "tocsin: allow"  # in a comment on the line: whoever wrote it knows
ROUTES = frozenset({"get", "post", "put", "patch", "delete", "route", "api_route", "websocket", "view"})
DONE = (ast.Return, ast.Break)
CLOSING = frozenset({"close", "aclose", "shutdown", "kill", "terminate", "unlink", "disconnect", "cancel", "rmtree"})


class Here(msgspec.Struct, frozen=True):
    """Where in a module something stands."""

    names: Mapping[str, str]
    symbol: str = ""
    own: tuple[str, ...] = ()  # what the function that it is in is called, of which it may be a method
    parameters: tuple[str, ...] = ()  # of that function
    closes: bool = False  # in a function that tidies up
    coroutine: bool = False  # in an async function
    bounded: bool = False  # in a block with a time limit
    guarded: bool = False  # in a try with handlers
    route: bool = False  # in a function that answers requests
    worker: bool = False  # in a loop that goes on for ever: waiting for the next task is its work
    awaits: frozenset[str] = frozenset()  # async functions of the module and methods of the class, by what calls them


def looked_at(text: str, file: str) -> list[Finding]:
    """Every failure mode that the text shows, by line."""
    try:
        tree = ast.parse(text)
        found = list(_Module(tree, file).findings())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return [unread(file, f"this is no Python of this release: {error}", line)]
    except (RecursionError, MemoryError):  # what the parser says of too many brackets or signs
        return [unread(file, "it is nested too deeply")]
    lines = text.splitlines()
    kept = [each for each in found if ALLOW not in lines[min(each.line, len(lines)) - 1]]
    return sorted(kept, key=lambda each: (each.line, each.rule))


def unread(file: str, why: str, line: int = 1) -> Finding:
    """That a file was not looked at."""
    return _finding(UNREAD, line, why, file)


class _Module:
    def __init__(self, tree: ast.Module, file: str) -> None:
        names = imported(tree)
        self._tree = tree
        self._file = file
        self._names = {**names, **bound_in(tree, names)}
        called = (dotted(each.func, self._names) for each in ast.walk(tree) if isinstance(each, ast.Call))
        self._sockets_bounded = UNSET in called

    def findings(self) -> Iterator[Finding]:
        own = frozenset(each.name for each in self._tree.body if isinstance(each, ast.AsyncFunctionDef))
        yield from self._inside(self._tree, Here(self._names, awaits=own))

    def _inside(self, node: ast.AST, here: Here) -> Iterator[Finding]:
        for child in ast.iter_child_nodes(node):
            yield from self._at(child, here)

    def _at(self, node: ast.AST, here: Here) -> Iterator[Finding]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._inside(node, self._in_function(node, here))
                return
            case ast.ClassDef():
                own = {f"self.{each.name}" for each in node.body if isinstance(each, ast.AsyncFunctionDef)}
                names = {**here.names, **attributes_of(node, here.names)}
                symbol = f"{here.symbol}.{node.name}".lstrip(".")
                inside = Here(names, symbol=symbol, awaits=here.awaits | own)
                yield from self._inside(node, inside)
                return
            case ast.Try():
                yield from self._try(node, here)
                return
            case ast.With() | ast.AsyncWith():
                made = [dotted(item.context_expr, here.names) for item in node.items]
                yield from self._suppressed(node, here)
                here = msgspec.structs.replace(here, bounded=here.bounded or not TIMEOUT_BLOCKS.isdisjoint(made))
            case ast.While() if _for_ever(node):
                yield from self._retry(node, here)
                here = msgspec.structs.replace(here, worker=True)
            case ast.Expr(value=ast.Call() as call):
                yield from self._dropped(call, here)
            case ast.Call():
                yield from self._call(node, here)
                if dotted(node.func, here.names) in TIMEOUT_CALLS:
                    here = msgspec.structs.replace(here, bounded=True)
        yield from self._inside(node, here)

    def _in_function(self, node: Function, here: Here) -> Here:
        names = {**here.names, **arguments_of(node, here.names)}
        names |= bound_in(node, names)
        return Here(
            names,
            symbol=f"{here.symbol}.{node.name}".lstrip("."),
            own=(node.name, f"self.{node.name}"),
            parameters=tuple(each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)),
            closes=bool(TIDIES.search(node.name)),
            coroutine=isinstance(node, ast.AsyncFunctionDef),
            route=any(_is_route(each) for each in node.decorator_list),
            awaits=here.awaits,
        )

    # --- waits --------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, here: Here) -> Iterator[Finding]:
        name = dotted(node.func, here.names)
        if here.coroutine and name in BLOCKING:
            yield self._found(BLOCK, node, here, f"{_shown(name)} blocks the event loop")
        wait = WAITS.get(name)
        if wait is None:
            return
        if wait.whom == "network" and here.route and not here.guarded and not wait.bounded:
            text = f"nothing answers for {wait.what} when {_shown(name)} fails"
            yield self._found(HANDLER, node, here, text)
        if here.bounded or (self._sockets_bounded and name.startswith(BY_SOCKET)):
            return
        if wait.whom == "own" and here.worker:
            return
        taken = _takes_away(node, wait)
        if taken or (not wait.bounded and not _bounds(node, wait)):
            does = "takes its limit away and waits" if taken else "waits"
            # Programs, queues and locks may be slow by right; a coroutine is often bounded by whoever awaits it.
            level: Level = "warning" if wait.whom == "network" and wait.bounds else "note"
            text = f"{_shown(name)} {does} for {wait.what} without a limit"
            yield self._found(WAIT, node, here, text, level=level, hint=_mend(wait))

    # --- errors -------------------------------------------------------------------------------------------------------

    def _try(self, node: ast.Try, here: Here) -> Iterator[Finding]:
        inside = msgspec.structs.replace(here, guarded=here.guarded or bool(node.handlers))
        for child in node.body:
            yield from self._at(child, inside)
        for handler in node.handlers:
            silent = _is_broad(handler.type) and _is_silent(handler.body)
            if silent and not here.closes and not _only_closes(node.body):
                caught = ast.unparse(handler.type) if handler.type is not None else "everything"
                yield self._found(SWALLOW, handler, here, f"{caught} is caught and nobody hears of it")
            yield from self._again(handler, here)
            yield from self._inside(handler, here)
        for child in node.orelse:
            yield from self._at(child, here)
        for child in node.finalbody:
            if isinstance(child, ast.Return | ast.Break | ast.Continue):
                word = type(child).__name__.lower()
                yield self._found(SWALLOW, child, here, f"`{word}` in `finally` drops whatever was raised")
            yield from self._at(child, here)

    def _suppressed(self, node: ast.With | ast.AsyncWith, here: Here) -> Iterator[Finding]:
        for item in node.items:
            match item.context_expr:
                case ast.Call(func=func, args=args) if dotted(func, here.names) == "contextlib.suppress":
                    if any(_is_broad(each) for each in args) and not here.closes and not _only_closes(node.body):
                        yield self._found(SWALLOW, node, here, "every error is suppressed and nobody hears of it")

    # --- retries ------------------------------------------------------------------------------------------------------

    def _retry(self, node: ast.While, here: Here) -> Iterator[Finding]:
        """`while True: try: return ... except: (go on)` without a pause anywhere."""
        inside = list(statements(node))
        if any(isinstance(each, ast.Call) and _pauses(each, here.names) for each in inside):
            return
        for each in inside:
            if not isinstance(each, ast.Try) or not _leaves(each.body + each.orelse, DONE):
                continue
            goes_on = (one for one in each.handlers if not _leaves(one.body, (*DONE, ast.Raise)))
            if any(not _changes(one, each) for one in goes_on):
                yield self._found(RETRY, node, here, "what fails is tried again at once, and for ever")
                return

    def _again(self, handler: ast.ExceptHandler, here: Here) -> Iterator[Finding]:
        """A function that calls itself as it was called when it failed, with nothing that counts."""
        inside = list(statements(handler))
        rests = any(isinstance(each, ast.Call) and _pauses(each, here.names) for each in inside)
        for each in inside:
            match each:
                case ast.Call(func=func, args=args, keywords=keywords) if ast.unparse(func) in here.own:
                    if _as_before(here.parameters, args, keywords) and not rests:
                        yield self._found(RETRY, each, here, "it calls itself when it fails, as often as it fails")

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _dropped(self, call: ast.Call, here: Here) -> Iterator[Finding]:
        name = dotted(call.func, here.names)
        if name in TASKS:
            yield self._found(TASK, call, here, f"the task of {_shown(name)} is kept by nobody")
        elif not name and ast.unparse(call.func) in here.awaits:
            text = f"{ast.unparse(call.func)} is never awaited, so that it never runs"
            yield self._found(TASK, call, here, text)

    def _found(
        self,
        rule: str,
        node: ast.expr | ast.stmt | ast.ExceptHandler,
        here: Here,
        text: str,
        *,
        level: Level | None = None,
        hint: str = "",
    ) -> Finding:
        said = f"{here.symbol}: {text}" if here.symbol else text
        return _finding(rule, node.lineno, said, self._file, level=level, hint=hint)


def _finding(rule: str, line: int, text: str, file: str, *, level: Level | None = None, hint: str = "") -> Finding:
    known = BY_ID[rule]
    return Finding(rule=rule, level=level or known.level, line=line, message=text, hint=hint or known.mend, file=file)


def _bounds(call: ast.Call, wait: Wait) -> bool:
    """Whether the call says how long, or may: `**options` may hold anything."""
    if wait.place is not None and len(call.args) > wait.place:
        return True
    if any(isinstance(each, ast.Starred) for each in call.args):
        return True
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in wait.bounds:
            return True
        if keyword.arg in ("block", "blocking") and _is_constant(keyword.value, False):
            return True
    if wait.whom == "own" and call.args and _is_constant(call.args[0], False):
        return True
    said = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(bound in text for text in said for bound in wait.bounds)  # in the address of a database


def _takes_away(call: ast.Call, wait: Wait) -> bool:
    return any(
        keyword.arg in (*wait.bounds, "timeout") and _is_constant(keyword.value, None) for keyword in call.keywords
    )


def _is_constant(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _mend(wait: Wait) -> str:
    if not wait.bounds:
        return "Put it into `async with asyncio.timeout(...)`."
    more = " and a statement_timeout" if "connect_timeout" in wait.bounds else ""
    return f"Pass {wait.bounds[0]}=SECONDS{more}."


def _shown(name: str) -> str:
    return name.replace("()", "")


def _is_broad(node: ast.expr | None) -> bool:
    match node:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
        case ast.Tuple(elts=elements):
            return any(_is_broad(each) for each in elements)
    return False


def _is_silent(body: list[ast.stmt]) -> bool:
    """Whether nothing in it tells anybody: it only goes on, or answers nothing. True and False are answers."""
    for each in body:
        match each:
            case ast.Pass() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Return(value=None | ast.Constant(value=None | "" | 0) | ast.List(elts=[]) | ast.Dict(keys=[])):
                if isinstance(each.value, ast.Constant) and each.value.value is False:
                    return False
            case _:
                return False
    return True


def _only_closes(body: list[ast.stmt]) -> bool:
    """What cannot be closed is closed, mostly."""
    match body:
        case [
            ast.Expr(
                value=ast.Call(func=ast.Attribute(attr=attr)) | ast.Await(value=ast.Call(func=ast.Attribute(attr=attr)))
            )
        ]:
            return attr in CLOSING
    return False


def _for_ever(node: ast.While) -> bool:
    return isinstance(node.test, ast.Constant) and bool(node.test.value)


def _leaves(body: list[ast.stmt], by: tuple[type[ast.stmt], ...]) -> bool:
    return any(isinstance(each, by) for part in body for each in (part, *statements(part)))


def _pauses(call: ast.Call, names: Mapping[str, str]) -> bool:
    if dotted(call.func, names) in PAUSES:
        return True
    named = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    return bool(RESTS.search(named))


def _changes(handler: ast.ExceptHandler, tried: ast.Try) -> bool:
    """Whether the next try is another one: the handler changes what it is made with."""
    read = {node.id for part in tried.body for node in ast.walk(part) if isinstance(node, ast.Name)}
    return any(
        isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each.id in read
        for each in statements(handler)
    )


def _as_before(parameters: tuple[str, ...], args: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    """Whether a call hands on the parameters as they are: nothing in it counts down or changes."""
    named = [each for each in parameters if each not in ("self", "cls")]
    same = [isinstance(each, ast.Name) and each.id == name for each, name in zip(args, named, strict=False)]
    same += [isinstance(each.value, ast.Name) and each.value.id == each.arg for each in keywords]
    return all(same) and len(args) <= len(named)


def _is_route(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=str() as path), *_]):
            return attr in ROUTES and path.startswith("/")
    return False
