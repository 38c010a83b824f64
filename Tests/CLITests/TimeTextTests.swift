import Testing

@testable import aikit_lua

struct TimeTextTests {
    @Test(arguments: [
        "2026-02-30", "2026-02-29", "2026-04-31T10:00Z", "2026-00-10", "2026-13-01", "2026-01-00", "2026-01-32",
        "2026-01-01T24:00Z", "2026-01-01T10:60Z", "2026-01-01T10:00:60Z", "2026-01-01T10:00+24:00",
        "2026-01-01T10:00+01:60", "soon",
    ])
    func `a day or a time that does not exist is none`(text: String) {
        #expect(TimeText.microseconds(text, before: 0) == nil)
    }

    @Test(arguments: [
        ("2028-02-29T00:00Z", 1_835_395_200), ("2026-11-23T06:30Z", 1_795_415_400),
        ("2026-11-23T06:30:05+01:00", 1_795_411_805),
    ])
    func `one that exists is read`(text: String, seconds: Int64) {
        #expect(TimeText.microseconds(text, before: 0) == seconds * 1_000_000)
    }
}
