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
        let report = FlowCheck.report(on: plan, shapes: shapes)
        if report.issues.contains(where: { $0.severity == .error }) { throw DefinitionError(issues: report.issues) }
        warnings = report.issues
        findings = report.findings
    }
}
