/// What a workflow has called when a run of it has come to its end: the slots of its callbacks, 0 for none.
///
/// Those of a workflow that stands as a step in another one do not count.
package struct CompletionHandlers: Sendable, Equatable {
    /// `on_success(output, context)`
    package var success: CallbackSlot = 0
    /// `on_failure(error, context)`
    package var failure: CallbackSlot = 0
    /// `on_cancel(reason, context)`
    package var cancel: CallbackSlot = 0

    package init() {}

    /// What is called before a terminal event.
    package func slot(of ending: EventKind) -> CallbackSlot {
        switch ending {
        case .workflowSuccess: success
        case .workflowError: failure
        case .workflowCancelled: cancel
        default: 0
        }
    }
}
