/// The version of the engine, as `--version`, `aikit.version` and stored runs name it.
public let engineVersion = "0.1.0"
