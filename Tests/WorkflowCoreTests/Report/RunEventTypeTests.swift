import Testing

@testable import WorkflowCore

@Suite("Types of events")
struct RunEventTypeTests {
    @Test func `every event that watchers are told of has a type by its name, and no type is left over`() {
        let told = EventKind.allCases.filter(\.isPublic).flatMap { [$0.name, $0.nameOfRun] }
        for name in told {
            let type = RunEventType(rawValue: name)
            #expect(RunEventType.known.contains(type), "\(name)")
            #expect(type.rawValue == name)
        }
        #expect(Set(RunEventType.known.map(\.rawValue)) == Set(told))
    }

    @Test func `an event of a newer program keeps its name`() {
        #expect(RunEventType(rawValue: "step:teleported") == .unknown("step:teleported"))
        #expect(RunEventType.unknown("step:teleported").rawValue == "step:teleported")
        #expect("step:start" == RunEventType.stepStart)
    }
}
