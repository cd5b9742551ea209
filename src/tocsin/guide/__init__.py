"""Markdown guides to policies and findings. `compile.compile_guide`, `lint.lint` and `compare.compare` are the door."""
