"""One file a format: `read(path: Path, options: ReadOptions = DEFAULT) -> Table`.

The file's name is the extension that it reads; a new file is a new format.
"""
