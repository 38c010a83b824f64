internal import Testing
internal import WorkflowEngine

@Suite("Figures of workers")
struct WorkerFiguresTests {
    @Test func `a worker that sleeps is not busy, also before it wakes`() {
        let figures = WorkerFigures(began: 1000)
        #expect(figures.busyTime(at: 1400) == 400)
        #expect(figures.busyRatio(at: 1400) == 1)
        figures.sleeps(at: 1400)
        #expect(figures.busyTime(at: 1400) == 400)
        #expect(figures.busyTime(at: 9000) == 400)
        #expect(figures.busyRatio(at: 1800) == 0.5)
        figures.wakes(at: 9000)
        #expect(figures.busyTime(at: 9000) == 400)
        #expect(figures.busyTime(at: 9100) == 500)
        figures.sleeps(at: 9100)
        figures.wakes(at: 9101)
        #expect(figures.busyTime(at: 9201) == 600)
    }

    @Test func `moments that cannot be make figures of no time`() {
        let figures = WorkerFigures(began: 1000)
        #expect(figures.busyTime(at: 0) == 0)
        #expect(figures.busyRatio(at: 1000) == 0)
        figures.wakes(at: 1100)
        figures.sleeps(at: 1100)
        #expect(figures.busyTime(at: 1050) == 50)
    }
}
