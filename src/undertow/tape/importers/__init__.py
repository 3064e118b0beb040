"""Files of the real market, read into tables: one module per kind of file.

A module gives ``read(path, options) -> Reading`` and registers it with an example of the file
it expects. How to add one: CONTRIBUTING.md.
"""

from undertow.tape.importers.registry import Importer, importer_named, importers

__all__ = ["Importer", "importer_named", "importers"]
