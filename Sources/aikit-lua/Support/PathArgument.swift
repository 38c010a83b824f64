internal import ArgumentParser

/// Reads an argument that names a file or a folder. An empty text, which a variable of the shell that is not set leaves, names
/// nothing: it would be taken for the root of the file system where something is appended to it.
func namedPath(_ text: String) throws(ValidationError) -> String {
    guard !text.isEmpty else {
        throw ValidationError("a path is empty; name a file or a folder, or '.' for this folder")
    }
    return text
}

/// Reads an argument that names a folder to write into. The root of the file system is what is left of `"$FOLDER/"` where the
/// variable is not set, and is refused.
func namedFolder(_ text: String) throws(ValidationError) -> String {
    let folder = try namedPath(text)
    guard folder.contains(where: { $0 != "/" && $0 != "." }) || !folder.hasPrefix("/") else {
        throw ValidationError("'\(folder)' is the root of the file system; name a folder in it")
    }
    return folder
}
