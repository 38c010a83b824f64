import Testing

@testable import WorkflowCore

@Suite("Types of events")
struct RunEventTypeTests {
    @Test func `every type is of an event that watchers are told of, and is found by its name`() {
        let told = EventKind.allCases.flatMap { [$0.type(ofStep: true), $0.type(ofStep: false)] }.compactMap { $0 }
        #expect(Set(RunEventType.known) == Set(told))
        for type in told { #expect(RunEventType(rawValue: type.rawValue) == type) }
    }

    @Test func `an event of a newer program keeps its name`() {
        #expect(RunEventType(rawValue: "step:teleported") == .unknown("step:teleported"))
        #expect(RunEventType.unknown("step:teleported").rawValue == "step:teleported")
        #expect("step:start" == RunEventType.stepStart)
    }
}
