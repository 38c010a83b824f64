internal import FlatValue
internal import WorkflowCore

/// Reads what a person typed as the answer to a field.
enum FieldAnswer: Equatable {
    case value(Value)
    /// The field stays without a value.
    case none
    /// It is no answer; the message says what would be one.
    case refused(String)

    static func read(_ text: String, for field: FormField) -> FieldAnswer {
        let trimmed = text.trimmed
        if trimmed.isEmpty {
            if let usual = field.usual { return .value(usual) }
            if field.isRequired { return .refused("please give an answer") }
            if field.leavesOut { return .none }
            // A text that was left empty is an empty text; of everything else there is nothing.
            return field.kind == .text || field.kind == .textarea ? .value("") : .none
        }
        switch field.kind {
        case .text: return .value(Value(trimmed))
        case .textarea: return .value(Value(text))
        case .number: return number(trimmed)
        case .confirm: return confirm(trimmed)
        case .list:
            let parts = trimmed.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
            return .value(Value(array: parts.map { Value($0) }))
        case .json:
            do throws(JSONError) {
                return .value(try Value(json: trimmed))
            } catch {
                return .refused("please write JSON; column \(error.column): \(error.message)")
            }
        case .date: return isDate(trimmed) ? .value(Value(trimmed)) : .refused("please write a date as YYYY-MM-DD")
        case .select: return option(trimmed, of: field).map { .value($0) } ?? .refused(choices(field))
        case .multiselect:
            var values: [Value] = []
            for part in trimmed.split(whereSeparator: { $0 == "," || $0 == " " }) {
                guard let value = option(String(part), of: field) else { return .refused(choices(field)) }
                if !values.contains(value) { values.append(value) }
            }
            return .value(Value(array: values))
        }
    }

    private static func number(_ text: String) -> FieldAnswer {
        if let whole = Int64(text) { return .value(Value(whole)) }
        if let real = Double(text), real.isFinite { return .value(Value(real)) }
        return .refused("please write a number")
    }

    private static func confirm(_ text: String) -> FieldAnswer {
        switch text.lowercased() {
        case "y", "yes", "true": .value(true)
        case "n", "no", "false": .value(false)
        default: .refused("please answer y or n")
        }
    }

    /// The option of a number from 1, of a label or of a value.
    private static func option(_ text: String, of field: FormField) -> Value? {
        if let named = field.options.first(where: { $0.label == text || $0.value.string == text }) {
            return named.value
        }
        if let number = Int(text), number > 0, number <= field.options.count { return field.options[number - 1].value }
        return field.options.first { $0.label.lowercased() == text.lowercased() }?.value
    }

    private static func choices(_ field: FormField) -> String { "please choose from 1 to \(field.options.count)" }

    /// Whether a text is a day of the calendar, as YYYY-MM-DD.
    static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], text.allSatisfy({ $0 == "-" || ("0"..."9").contains($0) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }
}

extension String {
    /// The text without the white space around it.
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
