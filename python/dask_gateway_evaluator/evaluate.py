"""Runs one configuration file and gives its assignments, or the sentence that says what is wrong where."""

import base64
import os
import sys
import traceback
import types

from dask_gateway_server.options import Options

from .config import Changes, Config
from .plain import NotPlain, plain


class Evaluation:
    """One file, and those it loads. ``sources`` pins their texts, so that a later child sees what the first saw."""

    def __init__(self, path, sources):
        self.path = path
        self.pinned = sources
        self.sources = {}
        self.notes = []
        self.config = Config()
        self.options = {}

    def run(self):
        try:
            self.execute(self.path)
        except BaseException as error:  # also SystemExit: nothing of a file may end this process
            return {"error": self.describe(error)}
        return self.collect()

    def execute(self, path):
        if path not in self.sources:
            self.sources[path] = self.read(path)
        module = types.ModuleType(f"dask_gateway_config_{len(self.sources)}")
        sys.modules[module.__name__] = module  # dataclasses and pickle look there
        module.__dict__.update(
            __file__=path,
            c=self.config,
            get_config=lambda: self.config,
            load_subconfig=lambda name, path=None: self.load_subconfig(module.__file__, name, path),
        )
        exec(compile(self.sources[path], path, "exec", dont_inherit=True), module.__dict__)

    def read(self, path):
        if path in self.pinned:
            return base64.b64decode(self.pinned[path])
        with open(path, "rb") as file:
            return file.read()

    def load_subconfig(self, parent, name, folder=None):
        path = os.path.join(folder or os.path.dirname(parent), name)
        if path not in self.pinned and not os.path.exists(path):
            # traitlets passes over it in silence, and existing files rely on that.
            self.notes.append(f"{parent}: load_subconfig({name!r}): there is no {path}; passed over")
            return
        self.execute(path)

    def describe(self, error):
        file, line = self.place_of(error)
        text = str(error)
        if isinstance(error, SyntaxError):
            kind, text = "syntax", error.msg
        elif isinstance(error, ImportError):
            kind = "import"
        elif isinstance(error, SystemExit):
            kind, text = "exit", f"it called sys.exit({'' if error.code is None else repr(error.code)})"
        elif isinstance(error, OSError) and error.filename == self.path and line is None:
            kind, text = "unreadable", error.strerror or text
        else:
            kind, text = "raised", f"{type(error).__name__}: {text}" if text else type(error).__name__
        if kind in ("raised", "import"):
            self.print_stack(error)
        return {"kind": kind, "message": text, "file": file, "line": line}

    def print_stack(self, error):
        """From the configuration's own code on, and only when it tells more than the line that the error names."""
        stack = error.__traceback__
        while stack is not None and stack.tb_frame.f_code.co_filename not in self.sources:
            stack = stack.tb_next
        if stack is not None and stack.tb_next is not None:
            traceback.print_exception(type(error), error, stack)

    def place_of(self, error):
        """The innermost line of the configuration's own files."""
        if isinstance(error, SyntaxError) and error.filename in self.sources:
            return error.filename, error.lineno
        places = [
            (each.filename, each.lineno)
            for each in traceback.extract_tb(error.__traceback__)
            if each.filename in self.sources
        ]
        return places[-1] if places else (self.path, None)

    def collect(self):
        assignments = []
        for class_name, section in self.config.items():
            for name, value in section.items():
                if isinstance(value, Changes) and not value:
                    continue  # only read
                file, line = section.place(name) or (self.path, None)
                where = f"c.{class_name}.{name}"
                try:
                    given = self.given(class_name, name, value, where)
                except NotPlain as error:
                    problem = {"kind": "value", "message": str(error), "file": file, "line": line}
                    return {"error": problem}
                assignments.append(
                    {"class": class_name, "setting": name, "value": given, "file": file, "line": line}
                )
        return {
            "assignments": assignments,
            "notes": self.notes,
            "sources": {
                path: base64.b64encode(text).decode("ascii") for path, text in self.sources.items()
            },
        }

    def given(self, class_name, name, value, where):
        if isinstance(value, Options):
            self.options[class_name] = value
            fields = [plain(each.specification(), where) for each in value.fields]
            return {"$options": {"fields": fields}}
        if name == "cluster_options" and callable(value) and not isinstance(value, type):
            self.options[class_name] = value
            return {"$options": {"fields": None}}
        return plain(value, where)
