internal import HTTPTypes
internal import Hummingbird

extension HTTPFields {
    /// The items of a header that is a list with weights, such as `Accept` (RFC 9110, section 12.4.2): in lower case and without
    /// their other parameters. An item of weight 0 is refused, and so is one whose weight is no number.
    fileprivate func offers(_ name: HTTPField.Name) -> [(item: Substring, weight: Double)] {
        self[values: name].flatMap { value in
            value.lowercased().split(separator: ",").compactMap { offer in
                let parts = offer.split(separator: ";").map { $0.trimming { $0 == " " || $0 == "\t" } }
                guard let item = parts.first, !item.isEmpty else { return nil }
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 }
                return (item, weight ?? 1)
            }
        }
    }
}

extension Request {
    private static let eventStream = "text/event-stream"

    /// Whether the client takes a stream of events rather than JSON: one that takes both alike gets the stream if it names it.
    var wantsEventStream: Bool {
        let offers = headers.offers(.accept)
        func weight(_ type: String, _ range: String) -> Double {
            // The most specific range that holds the type counts.
            for name in [type, range, "*/*"] {
                if let offer = offers.first(where: { $0.item == name }) { return offer.weight }
            }
            return 0
        }
        let (stream, json) = (weight(Self.eventStream, "text/*"), weight("application/json", "application/*"))
        guard stream > 0 else { return false }
        return stream > json || stream == json && offers.contains { $0.item == Self.eventStream }
    }

    /// Whether the client takes gzip, by name or by `*`.
    var acceptsGzip: Bool {
        let offers = headers.offers(.acceptEncoding)
        let offer = offers.first { $0.item == "gzip" } ?? offers.first { $0.item == "*" }
        return offer.map { $0.weight > 0 } ?? false
    }
}

extension Substring {
    /// Without the characters at both ends that satisfy a condition.
    fileprivate func trimming(_ isLeftOut: (Character) -> Bool) -> Substring {
        var text = self.drop(while: isLeftOut)
        while let last = text.last, isLeftOut(last) { text.removeLast() }
        return text
    }
}
