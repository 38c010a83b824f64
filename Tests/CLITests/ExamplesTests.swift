import Foundation
import Synchronization
import Testing

/// The scripts under examples, each run as its first lines say.
@Suite struct ExamplesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples").path

    /// Runs an example and reads what it prints.
    private func run(_ name: String, _ input: String, _ options: String...) throws -> (Program.Outcome, [String: Any]) {
        let program = try Program()
        defer { program.remove() }
        let arguments = ["run", "\(Self.folder)/\(name).lua", "--input", input, "--store", "memory"] + options
        let outcome = try program.run(arguments)
        let result = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return (outcome, result as? [String: Any] ?? [:])
    }

    @Test func `the document is read in chunks and boiled down to keywords`() throws {
        let (outcome, result) = try run("document", "@\(Self.folder)/data/lighthouses.json")
        #expect(outcome.status == 0)
        #expect(result["title"] as? String == "How a lighthouse speaks")
        #expect(result["chunks"] as? Int == 12)
        #expect(result["words"] as? Int == 1242)
        #expect(result["style"] as? String == "flowing")
        let keywords = try #require(result["keywords"] as? [String])
        #expect(keywords.first == "light")
        #expect((1...12).contains(keywords.count))
        #expect(outcome.errors.contains("analyse (12 items)"))
    }

    @Test func `a text of a few words has no loop to go through`() throws {
        let (outcome, result) = try run("document", #"{"text": "Short. Really short."}"#)
        #expect(outcome.status == 0)
        #expect(result["keywords"] as? [String] == ["short", "really"])
        #expect(result["title"] as? String == "Untitled")
        #expect(result["style"] as? String == "terse")
    }

    @Test(arguments: [
        (900, "approved", "low risk"), (5000, "approved", "half of the amount"),
        (9000, "pending", "a guarantor is needed"), (90000, "declined", "high risk"),
    ])
    func `a loan is decided by its risk`(amount: Int, decision: String, reason: String) throws {
        let input = #"{"applicant": "Ada", "amount": \#(amount), "income": 2500, "arrears": 1}"#
        let (outcome, result) = try run("risk", input)
        #expect(outcome.status == 0)
        #expect(result["decision"] as? String == decision)
        #expect(result["letter"] as? String == "Dear Ada, your application is \(decision): \(reason).")
    }

    @Test func `the polling loop ends when the job is done`() throws {
        let (outcome, result) = try run("polling", #"{"seconds": 0.2}"#)
        #expect(outcome.status == 0)
        #expect((1...2).contains(result["polls"] as? Int ?? 0))
        #expect(UUID(uuidString: result["job"] as? String ?? "") != nil)
    }

    @Test func `bookings that fail are named together, after the others have ended`() throws {
        let (good, result) = try run("parallel", #"{"days": 3}"#)
        #expect(good.status == 0)
        #expect((result["hotel"] as? [String: Any])?["price"] as? Int == 255)
        let (bad, _) = try run("parallel", #"{"days": 3, "sold_out": ["flight", "hotel"]}"#)
        #expect(bad.status == 1)
        let reasons = "flight: the flight is sold out; hotel: the hotel is sold out"
        #expect(bad.errors.contains("2 of 3 branches failed: \(reasons)"))
        #expect(bad.errors.contains("done       bookings[car]/book-car"))
    }

    @Test func `onboarding waits for a person`() throws {
        let (outcome, _) = try run("onboarding", #"{"name": "Ada Lovelace", "role": "engineer"}"#)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("onboarding waits for a person at 'review'"))
    }

    @Test func `the weather comes over HTTP, on the second try if it has to`() throws {
        let forecasts = Atomic<Int>(0)
        let service = try WeatherService { path in
            if path.hasPrefix("/v1/search?") {
                guard path.contains("name=Nantes") else { return (200, "{}") }
                return (200, #"{"results": [{"name": "Nantes", "latitude": 47.2, "longitude": -1.5}]}"#)
            }
            let isFirst = forecasts.add(1, ordering: .relaxed).oldValue == 0
            return isFirst ? (503, "{}") : (200, #"{"current": {"temperature_2m": 12.4, "wind_speed_10m": 80}}"#)
        }
        let ctx = #"{"geocoding": "\#(service.base)", "forecast": "\#(service.base)"}"#
        let (outcome, result) = try run("weather", #"{"city": " Nantes "}"#, "--ctx", ctx, "--allow-net=127.0.0.1")
        #expect(outcome.status == 0)
        #expect(result["text"] as? String == "STORM in Nantes: 12 °C, gusts of 80 km/h")
        #expect(outcome.errors.contains("attempt 1 failed: HTTP 503"))
        let (unknown, _) = try run("weather", #"{"city": "Atlantis"}"#, "--ctx", ctx, "--allow-net=127.0.0.1")
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("no city is called Atlantis"))
    }
}
