import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Durations as text` {
    @Test(
        arguments: [
            ("200ms", 200_000), ("10s", 10_000_000), ("5m", 300_000_000), ("2h", 7_200_000_000),
            ("30d", 2_592_000_000_000), ("1.5s", 1_500_000), ("0s", 0),
        ] as [(String, Int64)])
    func `are microseconds`(text: String, expected: Int64) {
        #expect(DurationText.microseconds(text) == expected)
        #expect(DurationText.microseconds(Value(text)) == expected)
    }

    @Test(arguments: ["", "s", "10 parsecs", "-5s", "1e3s", "ten", "99999999999d", "1..5s"])
    func `that are none give nil`(text: String) {
        #expect(DurationText.microseconds(text) == nil)
    }

    @Test(
        arguments: [
            (0, "0s"), (500, "0.5ms"), (1_500_000, "1s500ms"), (90_000_000, "1m30s"), (86_400_000_000, "1d"),
        ] as [(Int64, String)])
    func `are written short`(microseconds: Int64, expected: String) {
        #expect(DurationText.text(microseconds: microseconds) == expected)
    }
}

@Suite struct `Names that are near` {
    @Test(
        arguments: [
            ("hanlder", "handler"), ("Handler", "handler"), ("tiemout", "timeout"), ("inputschema", "input_schema"),
            ("zebra", nil), ("x", nil),
        ] as [(String, String?)])
    func `are found`(word: String, expected: String?) {
        #expect(nearest(to: word, in: ["handler", "timeout", "input_schema", "output_schema", "next"]) == expected)
    }

    @Test func `are not looked for where the word is longer than any name`() {
        let long = String(repeating: "x", count: 10_000_000)
        #expect(nearest(to: long, in: [long + "y"]) == nil)
        #expect(nearest(to: "handler", in: [long]) == nil)
    }
}
