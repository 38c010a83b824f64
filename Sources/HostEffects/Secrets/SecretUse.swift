package import FlatValue
internal import WorkflowCore

/// The mark that stands in a request where the host is to fill in a secret: `{ "$secret": NAME, "as"?, "text"? }`.
///
/// `as` says how: `bearer` (an Authorization header's token), `basic` (with `text` as the user), `prefixed` (behind `text`).
package struct SecretUse: Sendable, Equatable {
    package enum Form: Sendable, Equatable {
        case plain
        case bearer
        case basic(user: String)
        case prefixed(String)
    }

    package var name: String
    package var form: Form

    /// Reads a mark; nil for every other value.
    package init?(_ value: Value) {
        guard let name = value["$secret"]?.string else { return nil }
        self.name = name
        let text = value["text"]?.string ?? ""
        switch value["as"]?.string {
        case "bearer": form = .bearer
        case "basic": form = .basic(user: text)
        case "prefixed": form = .prefixed(text)
        default: form = .plain
        }
    }

    /// The text that is sent. The redactor learns what the value cannot be found in.
    package func text(of value: String, _ redactor: Redactor) -> String {
        switch form {
        case .plain: return value
        case .bearer: return "Bearer " + value
        case .prefixed(let text): return text + value
        case .basic(let user):
            let credentials = BytesText.base64(Array("\(user):\(value)".utf8))
            redactor.add(credentials, name: name)
            return "Basic " + credentials
        }
    }

    /// What is shown of it: `Bearer secret(NAME)`.
    package var shown: String {
        switch form {
        case .plain: "secret(\(name))"
        case .bearer: "Bearer secret(\(name))"
        case .basic(let user): "Basic \(user):secret(\(name))"
        case .prefixed(let text): "\(text)secret(\(name))"
        }
    }
}
