package import FlatValue

/// A plan, and what is doubtful in it.
package struct CheckedPlan {
    package let plan: Plan
    /// What may not work; a run begins nevertheless.
    package let warnings: [DefinitionIssue]
    /// What goes wrong, or has no effect, once a run comes to it; an error does not keep other runs from their end.
    package let findings: [DefinitionIssue]

    /// Reads a definition and checks the flow of its values: what cannot work is refused.
    ///
    /// - Parameter shapes: what is known of its callbacks.
    /// - Throws: ``DefinitionError`` with every issue, if one of them is an error.
    package init(
        _ definition: Value, shapes: CallbackShapes = CallbackShapes(), locator: DefinitionReader.Locator = { $1 }
    ) throws(DefinitionError) {
        plan = try DefinitionReader.plan(from: definition, locator: locator)
        let refused = Self.refused(in: definition)
        if !refused.isEmpty { throw DefinitionError(issues: refused) }
        let report = FlowCheck.report(on: plan, shapes: shapes)
        if report.issues.contains(where: { $0.severity == .error }) { throw DefinitionError(issues: report.issues) }
        warnings = report.issues
        findings = report.findings
    }

    /// What a new workflow may not have, though runs of stored ones that do go on.
    private static func refused(in definition: Value) -> [DefinitionIssue] {
        let id = definition["id"]?.string ?? ""
        func issue(_ code: String, _ key: String, _ problem: String) -> DefinitionIssue {
            DefinitionIssue(
                message: "workflow '\(id)' has \(problem)", location: definition["where"]?.string,
                path: "\(id).\(key)", code: code)
        }
        var issues: [DefinitionIssue] = []
        let isName = id.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == "." }
        if !isName {
            issues.append(
                issue("invalid_id", "id", "an `id` with other characters than letters, digits, '-', '_' and '.'"))
        }
        if id == "." || id == ".." {
            // Clients take those out of an address, so no route would reach the workflow.
            issues.append(issue("invalid_id", "id", "the `id` '\(id)', which no address can hold"))
        }
        return issues
    }
}
