internal import CSandbox
internal import CVMProcess
internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// The program of a VM process: it runs Lua, and reaches nothing but its host.
package enum VMProgram {
    /// The only word of its command line.
    package static let word = "vm-process"

    /// Serves the host on the main thread until it closes the socket.
    package static func run() -> Never {
        vp_die_with_parent()
        // The logs of runs leave room for what comes, and what is under way gives some back.
        var reader = FrameReader(socket: hostSocket, looks: 300) { MemoryAllowance.isFree($0) ? .admitted : .later }
        let line = HostLine()
        do throws(FrameFault) {
            guard let frame = try reader.next(), let settings = VMSettings(frame) else { _exit(2) }
            // What reads files does so now: the zone of local time, and what the system lets the process have.
            tzset()
            let limits = EngineLimits()
            _ = MemoryAllowance.reserve
            var options = LuaScriptOptions(
                memoryLimit: settings.scriptMemory,
                log: { line.log($0) })
            options.printed = { line.send(WireFrame(.print, $0.wire)) }
            #if DEBUG
                if settings.hasFaults {
                    options.log = { record in
                        VMFault.perform(record.message, line)
                        line.log(record)
                    }
                }
            #endif
            let marker = vp_map_page(Int32(VP_PAGE))
            close(Int32(VP_PAGE))
            let locks = sb_lock(UInt32(SB_ALL), hostSocket, settings.memory)
            if settings.memory > 0, !MemoryAllowance.isLimited { MemoryAllowance.keepFree(settings.spareMemory) }
            line.begin()
            let runs = VMRuns(line, settings, limits, options, marker: marker)
            line.send(WireFrame(.ready, ["locks": Value(Int64(locks))]))
            while let frame = try reader.next() { runs.take(frame) }
        } catch {}
        _exit(0)
    }
}

/// With what a VM process begins.
struct VMSettings: Equatable {
    /// Bytes that the engine has, the logs of runs among them. One that grows to all that a run may record takes twice that.
    private static let engineMemory = 4 << 30
    /// Bytes for the program, its stacks, and a frame that comes.
    private static let programMemory = 384 << 20

    /// The address space of a process whose VM may hold so many bytes: besides the VM and the engine, what the VM asks of its host at once,
    /// on its way.
    static func addressSpace(scriptMemory: Int) -> UInt64 {
        scriptMemory > 0 ? UInt64(2 * scriptMemory + engineMemory + programMemory) : 0
    }

    /// Bytes of its address space that the logs of runs leave to the rest of the process.
    var spareMemory: Int { 2 * scriptMemory + Self.programMemory }

    /// Bytes of address space; 0 for any.
    var memory: UInt64
    /// Bytes that one VM may hold.
    var scriptMemory: Int
    /// Steps go on as soon as what they follow from has been sent.
    var isEager = false
    /// Scripts may ask for faults by what they log; in test builds alone.
    var hasFaults = false

    var frame: WireFrame {
        WireFrame(
            .configure,
            [
                "memory": Value(Int64(clamping: memory)),
                "script_memory": Value(Int64(scriptMemory)), "eager": Value(isEager), "faults": Value(hasFaults),
            ])
    }

    init(memory: UInt64, scriptMemory: Int, isEager: Bool = false, hasFaults: Bool = false) {
        self.isEager = isEager
        self.memory = memory
        self.scriptMemory = scriptMemory
        self.hasFaults = hasFaults
    }

    init?(_ frame: WireFrame) {
        guard frame.kind == .configure, let memory = frame.header["memory"]?.int, memory >= 0,
            let scriptMemory = frame.header["script_memory"]?.int, scriptMemory >= 0
        else { return nil }
        self.init(
            memory: UInt64(memory), scriptMemory: Int(scriptMemory), isEager: frame.header["eager"]?.bool == true,
            hasFaults: frame.header["faults"]?.bool == true)
    }
}
