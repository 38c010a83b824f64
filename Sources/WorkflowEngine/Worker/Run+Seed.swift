internal import FlatValue
package import WorkflowCore

extension Run {
    /// What the chance of a call goes by: two words that are the same whenever the journal leads to the same call, in whichever
    /// process, and others for every other call, attempt and run.
    package func seed(of frame: Int32, calling slot: CallbackSlot) -> (UInt64, UInt64) {
        let state = machine.frames[Int(frame)]
        var mixer = SeedMixer()
        var place = identifier
        while place.pointee != 0 {
            mixer.add(UInt64(UInt8(bitPattern: place.pointee)))
            place += 1
        }
        mixer.add(UInt64(bitPattern: machine.started))
        mixer.add(UInt64(UInt32(bitPattern: machine.seed)))
        mixer.add(UInt64(UInt32(bitPattern: frame)) << 32 | UInt64(state.serial))
        mixer.add(UInt64(state.attempt) << 8 | role(of: frame, calling: slot))
        return (mixer.first, mixer.second)
    }

    /// The number behind which those of the spans lie that a call makes: other calls of the same attempt have others, and later ones
    /// larger ones.
    package func firstSpan(of frame: Int32, calling slot: CallbackSlot) -> Int64 {
        let call = UInt64(machine.frames[Int(frame)].serial) << 3 | role(of: frame, calling: slot)
        return Int64(bitPattern: call << 28)
    }

    /// The callbacks of one command share its serial; their numbers may differ between two loads of a script.
    private func role(of frame: Int32, calling slot: CallbackSlot) -> UInt64 {
        let node = plan.nodes[Int(machine.frames[Int(frame)].node)]
        return machine.isClosing
            ? 4 : slot == node.callback ? 0 : slot == node.conclude ? 1 : slot == node.extra ? 2 : 3
    }
}

/// Makes two words of many.
private struct SeedMixer {
    var first: UInt64 = 0x9E37_79B9_7F4A_7C15
    var second: UInt64 = 0xD1B5_4A32_D192_ED03

    mutating func add(_ word: UInt64) {
        first = Self.mixed(first ^ word)
        second = Self.mixed(second &+ word &* 0xFF51_AFD7_ED55_8CCD)
    }

    private static func mixed(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
