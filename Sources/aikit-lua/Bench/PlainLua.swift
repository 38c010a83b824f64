internal import Platform

/// The machine's own `lua5.4` or `lua`: the yardstick that the bridge is measured with.
enum PlainLua {
    /// How often a second a chunk does its work: it gets the count as its argument. The median of five measures of processor
    /// time; nil where there is no Lua 5.4.
    static func rate(of chunk: String, count: Int) -> Double? {
        let script = """
            assert(_VERSION == "Lua 5.4")
            local work = assert(load(os.getenv "AIKIT_LUA_CHUNK"))
            local function rate(count)
              local start = os.clock()
              work(count)
              return count / (os.clock() - start)
            end
            rate(\(max(count / 4, 1)))
            local rates = {}
            for i = 1, 5 do rates[i] = rate(\(count)) end
            table.sort(rates)
            print(rates[3])
            """
        return output(of: "lua5.4", script, chunk) ?? output(of: "lua", script, chunk)
    }

    private static func output(of program: String, _ script: String, _ chunk: String) -> Double? {
        setenv("AIKIT_LUA_SCRIPT", script, 1)
        setenv("AIKIT_LUA_CHUNK", chunk, 1)
        defer {
            unsetenv("AIKIT_LUA_SCRIPT")
            unsetenv("AIKIT_LUA_CHUNK")
        }
        guard let pipe = popen("\(program) -e \"$AIKIT_LUA_SCRIPT\" 2>/dev/null", "r") else { return nil }
        defer { pclose(pipe) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), pipe) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Double(text)
    }
}
