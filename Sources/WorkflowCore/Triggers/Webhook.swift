/// A route by which others start runs of a workflow, or give runs signals.
///
/// The functions get the request as `{ method, path, query, headers, body, json }`.
package struct Webhook: Sendable, Equatable {
    /// How a request shows whom it is from: an HMAC of its raw body in a header.
    package struct Signature: Sendable, Equatable {
        package enum Algorithm: String, Sendable, CaseIterable { case sha256, sha384, sha512, sha1 }

        package enum Encoding: String, Sendable, CaseIterable { case hex, base64 }

        /// The name of the secret, such as an environment variable.
        package var secret: String
        /// The name of the header, in lower case.
        package var header: String
        package var algorithm: Algorithm
        package var encoding: Encoding
        /// What stands in the header before the signature.
        package var prefix: String
        /// When the request was signed; nil where the signature does not say.
        package var moment: Moment?
        /// What is signed, in order.
        package var content: [Part] = [.body]

        /// Where the time of a signature stands, in seconds since 1970.
        package enum Source: Sendable, Equatable {
            /// A header of its own, by its name in lower case.
            case header(String)
            /// A part of the header with the signature, by what it begins with, such as `t=`.
            case part(String)
        }

        /// A time that is signed, so that a copy of a request fits for a while only.
        package struct Moment: Sendable, Equatable {
            package var source: Source
            /// How far it may lie from now, in microseconds.
            package var tolerance: Int64
        }

        package enum Part: Sendable, Equatable {
            case text(String)
            case timestamp
            case body
            /// The value of a header, by its name in lower case.
            case header(String)
        }
    }

    /// Unique within its workflow.
    package var id: String
    /// Below `/hooks/`, without slashes at its ends.
    package var path: String
    /// Nil where anybody may call it.
    package var signature: Signature?
    /// Makes the input of the run; 0 takes the body's JSON.
    package var input: CallbackSlot
    /// Gives the id of the run; 0 makes one.
    package var runID: CallbackSlot
    /// Gives `{ run_id, event, data }` in place of starting a run; 0 for a hook that starts one.
    package var signal: CallbackSlot
}
