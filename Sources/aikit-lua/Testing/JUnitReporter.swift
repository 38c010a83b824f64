internal import LuaTesting
internal import LuaWorkflows

/// The report as build servers read it: JUnit's XML, one suite a file, written at the end.
struct JUnitReporter: TestReporter {
    let write: @Sendable (String) -> Void

    func report(_ report: TestFileReport) {}
    func finish(_ summary: TestSummary) { write(Self.document(of: summary)) }

    static func document(of summary: TestSummary) -> String {
        var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
        let failures = summary.count(.failed)
        lines.append(
            "<testsuites name=\"aikit-lua\" tests=\"\(summary.testCount)\" failures=\"\(failures)\" "
                + "errors=\"\(summary.problemCount)\" skipped=\"\(summary.count(.skipped))\" "
                + "time=\"\(seconds(summary.duration))\">")
        for report in summary.reports { lines += suite(report) }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func suite(_ report: TestFileReport) -> [String] {
        let duration = report.outcomes.reduce(0) { $0 + $1.duration }
        let errors = report.problem == nil ? 0 : 1
        var lines = [
            "  <testsuite name=\"\(escaped(report.path))\" tests=\"\(report.outcomes.count + errors)\" "
                + "failures=\"\(report.count(.failed))\" errors=\"\(errors)\" skipped=\"\(report.count(.skipped))\" "
                + "time=\"\(seconds(duration))\">"
        ]
        let printer = ProblemPrinter(style: Style(hasColours: false))
        if let problem = report.problem {
            lines.append("    <testcase classname=\"\(escaped(report.path))\" name=\"the file can be loaded\">")
            let text = printer.text(problem.diagnostics.map(Problem.init))
            lines.append("      <error message=\"\(escaped(problem.description))\">\(escaped(text))</error>")
            lines.append("    </testcase>")
        }
        for outcome in report.outcomes {
            let head =
                "    <testcase classname=\"\(escaped(report.path))\" name=\"\(escaped(outcome.title))\" "
                + "time=\"\(seconds(outcome.duration))\""
            switch outcome.status {
            case .passed: lines.append(head + "/>")
            case .skipped:
                let reason = outcome.reason.map { " message=\"\(escaped($0))\"" } ?? ""
                lines += [head + ">", "      <skipped\(reason)/>", "    </testcase>"]
            case .failed:
                let problem = Problem(failureOf: outcome)
                let failure =
                    "      <failure type=\"\(escaped(problem.code))\" message=\"\(escaped(problem.message))\">"
                    + escaped(printer.text(problem)) + "</failure>"
                lines += [head + ">", failure, "    </testcase>"]
            }
        }
        lines.append("  </testsuite>")
        return lines
    }

    /// Microseconds as seconds with three digits.
    private static func seconds(_ microseconds: Int64) -> String {
        let milliseconds = (microseconds + 500) / 1000
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000)." + String(repeating: "0", count: rest < 10 ? 2 : rest < 100 ? 1 : 0) + "\(rest)"
    }

    /// The text as XML takes it; characters that XML does not know become a mark.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            case "\t": result += "&#9;"
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
