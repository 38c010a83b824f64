internal import FlatValue
internal import NIOHTTP1
internal import Platform
internal import WorkflowCore

/// An answer as the script gets it.
enum HTTPAnswer {
    /// `{ status, headers, url, body, retry_after? }`: header names are in lower case, one that comes several times has a
    /// list of its values; `retry_after` is in seconds.
    static func value(status: UInt, _ headers: HTTPHeaders, url: WebAddress, body: UnsafeRawBufferPointer) -> Value {
        var names: [String] = []
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        let wait = values["retry-after"]?.first.flatMap {
            RetryAfter.seconds($0, date: values["date"]?.first, now: Int64(time(nil)))
        }
        return Value { arena in
            let object = arena.beginObject()
            arena.writeKey("status")
            arena.write(Int64(clamping: status))
            arena.writeKey("headers")
            let headers = arena.beginObject()
            for name in names {
                let list = values[name] ?? []
                arena.writeKey(name)
                arena.write(list.count == 1 ? Value(list[0]) : Value(array: list.map { Value($0) }))
            }
            arena.end(headers, count: names.count)
            arena.writeKey("url")
            arena.write(url.text)
            arena.writeKey("body")
            arena.writeString(body)
            if let wait {
                arena.writeKey("retry_after")
                arena.write(wait)
            }
            arena.end(object, count: wait == nil ? 4 : 5)
        }
    }
}
