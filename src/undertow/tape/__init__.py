"""What happened: a folder of Parquet tables with one schema, and a manifest with its provenance."""

from undertow.tape.manifest import Source
from undertow.tape.store import Tape
from undertow.tape.writer import TapeWriter

__all__ = ["Source", "Tape", "TapeWriter"]
