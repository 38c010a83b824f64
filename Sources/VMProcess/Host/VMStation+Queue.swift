internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// The queue: a process works out the keys of its runs, and the host sees to it that their limits hold.
extension VMStation {
    /// Gives a run the place in the queue that its process says it has to take.
    func takePlace(_ ticket: QueueTicket, at sequence: Int, of hosted: HostedRun) throws(FrameFault) {
        let run = hosted.run
        guard sequence == 0, let (queueing, time) = hosted.asked, let flow = run.plan.flow, ticket.fits(flow, queueing)
        else { throw FrameFault("a place in the queue that run \(run.id) may not take") }
        var ticket = ticket
        ticket.readyAt = max(ticket.readyAt, time > worker.now ? time : 0)
        if ticket.debounce != nil, let debounce = flow.debounce {
            ticket.readyAt = max(ticket.readyAt, worker.now.clamped(adding: debounce.period))
        }
        run.journaled?.ticket = ticket
    }

    /// Refuses events that begin a run which has to wait in the queue, or has no place there that it needs.
    func checkStart(_ events: UnsafeRawBufferPointer, of hosted: HostedRun) throws(FrameFault) {
        let run = hosted.run
        guard run.machine.frames.isEmpty, let journaled = run.journaled, JournalDecoder.hasStart(events) else { return }
        if journaled.isQueued || journaled.ticket != nil {
            guard hosted.isAdmitted else { throw FrameFault("a start of run \(run.id), which waits in the queue") }
        } else if let queueing = hosted.asked?.queueing, !queueing.isExempt, run.plan.flow?.holdsAll == true {
            throw FrameFault("a start of run \(run.id) without its place in the queue")
        }
    }
}
