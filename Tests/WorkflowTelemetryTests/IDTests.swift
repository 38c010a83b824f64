import Testing

@testable import WorkflowTelemetry

struct IDTests {
    // printf 'run-1' | sha256sum and the like.
    @Test func `ids are the first bytes of SHA-256 of the run, the path, the attempt and the occurrence`() {
        #expect(TraceID(run: "run-1").hex == "4e65d3fbe8ad6535681b021b30785b12")
        #expect(SpanID(run: "run-1", path: "a/b", attempt: 2, occurrence: 1).hex == "805b88a99a9eeea7")
        #expect(SpanID(run: "run-1", path: "a/b", attempt: 2, occurrence: 1, stretch: 3).hex == "94ce08cf3f2677cb")
    }

    @Test func `a traceparent is read and written as W3C has it`() throws {
        let text = "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01"
        let parent = try #require(TraceParent(text))
        #expect(parent.text == text)
        #expect(parent.isSampled)
        #expect(TraceParent(text.dropLast(2) + "00")?.isSampled == false)
    }

    @Test(arguments: ["", "-", "-more", "-more-and-more"])
    func `what a later version has behind it is passed over`(rest: String) {
        #expect(TraceParent("01-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-03" + rest)?.isSampled == true)
    }

    @Test(arguments: [
        "", "00", "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7", "00-0-0-01",
        "00-00000000000000000000000000000000-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b12-0000000000000000-01",
        "00-4E65D3FBE8AD6535681B021B30785B12-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01-more",
        "ff-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01",
        "0A-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01",
        "+1-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-0A",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-+1",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-1",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-001",
        "00-4e65d3fbe8ad6535681b021b30785b1-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b123-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea-01",
        "01-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01x",
        " 00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01",
        "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01,00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01",
        "01-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01-\(String(repeating: "a", count: 500))",
    ]) func `what is no traceparent is refused`(text: String) {
        #expect(TraceParent(text) == nil)
    }
}
