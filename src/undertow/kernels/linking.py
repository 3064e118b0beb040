"""How kernels become code: as pieces, and as entries that are linked of all the pieces they need.

Numba finishes every function by itself: it links a copy of all that the function calls, optimises
that, and makes machine code of it, again and again up to what Python calls. Here a function that
kernels call is a piece, which is not finished. An entry, which Python calls, is: once, with each
piece in it once. This uses Numba's inner parts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core import caching, compiler, compiler_machinery, config, typed_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.environment import lookup_environment

settings: Any = config


class Piece(JITCodeLibrary):
    """Code that is linked into others and not run by itself."""

    def finalize(self) -> None:
        """Leave the code as it is."""
        self._finalized = True


class Entry(JITCodeLibrary):
    """Code that Python calls."""

    def finalize(self) -> None:
        """Link all pieces that are needed, each once, then optimise the whole."""
        module = self._final_module
        own = {one.name for one in module.functions if not one.is_declaration}
        needed = self._needed()
        for library in needed:
            if isinstance(library, Piece):
                module.link_in(library._final_module, preserve=True)
        for function in module.functions:
            if not function.is_declaration and function.name not in own:
                function.linkage = "internal"  # not kept for others, once it is in its callers
        self._linking_libraries = [one for one in needed if not isinstance(one, Piece)]
        super().finalize()
        for variable in module.global_variables:
            if (environment := lookup_environment(variable.name)) is not None:
                self.codegen.set_env(variable.name, environment)

    def _needed(self) -> list[JITCodeLibrary]:
        """What is called from here, at any depth."""
        found = dict.fromkeys(self._linking_libraries)
        pending = list(found)
        while pending:
            library = pending.pop()
            if isinstance(library, Piece):
                new = [one for one in library._linking_libraries if one not in found]
                found |= dict.fromkeys(new)
                pending += new
        return list(found)


@compiler_machinery.register_pass(mutates_CFG=True, analysis_only=False)
class PieceLowering(typed_passes.NativeLowering):
    """The last step of a piece: there is nothing to run."""

    _name = "piece_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower a function, and tell its callers what to link."""
        state.flags.no_compile = True
        super().run_pass(state)
        made, library = state.cr, state["library"]
        module, name = made.fndesc.lookup_module(), made.fndesc.qualname
        nowhere = _dynfunc.make_function(module, name, "", 0, made.env, (library,))
        state.targetctx.insert_user_function(nowhere, made.fndesc, [library])
        state.cr = made._replace(cfunc=nowhere)
        return True


class EntryCompiler(compiler.CompilerBase):
    """Compiles what Python calls."""

    kind_of_code: type[JITCodeLibrary] = Entry
    lowering: type[typed_passes.NativeLowering] = typed_passes.NativeLowering

    def define_pipelines(self) -> list[Any]:
        """Numba's own steps, but for the last."""
        state = self.state
        code = self.kind_of_code(state.targetctx.codegen(), state.func_id.func_qualname)
        code.enable_object_caching()
        state["library"] = code
        made = compiler.DefaultPassBuilder.define_nopython_pipeline(state)
        made.passes = [
            (self.lowering if step is typed_passes.NativeLowering else step, text)
            for step, text in made.passes
        ]
        made.finalize()
        return [made]


class PieceCompiler(EntryCompiler):
    """Compiles what only kernels call."""

    kind_of_code = Piece
    lowering = PieceLowering


class Cache(caching.FunctionCache):
    """Entries that earlier processes have compiled."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Numba's, without getting ready to compile, which takes longer than to load."""
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def cache_in(folder: Path, function: Callable[..., Any]) -> Cache:
    """What is kept of an entry in a folder; Numba's own setting is left as it was."""
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder)
    try:
        return Cache(function)
    finally:
        settings.CACHE_DIR = before
