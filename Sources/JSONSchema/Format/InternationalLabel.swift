/// The rules for one label of an internationalised host name (RFC 5891, RFC 5892).
enum InternationalLabel {
    static func isValid(_ label: [Unicode.Scalar]) -> Bool {
        guard let first = label.first, first != "-", label.last != "-" else { return false }
        if label.count >= 4, label[2] == "-", label[3] == "-" { return false }
        if isMark(first) { return false }
        return label.indices.allSatisfy { isAllowed(label, at: $0) } && digitsAgree(label)
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    private static func isAllowed(_ label: [Unicode.Scalar], at index: Int) -> Bool {
        let scalar = label[index]
        let before = index > 0 ? label[index - 1] : nil
        let after = index + 1 < label.count ? label[index + 1] : nil
        switch scalar.value {
        // The characters whose neighbours decide.
        case 0x00B7: return before == "l" && after == "l"
        case 0x0375: return after.map { isIn($0, 0x370...0x3FF) || isIn($0, 0x1F00...0x1FFF) } ?? false
        case 0x05F3, 0x05F4: return before.map { isIn($0, 0x590...0x5FF) } ?? false
        case 0x30FB:
            return label.contains {
                isIn($0, 0x3041...0x3096) || isIn($0, 0x309D...0x309F) || isIn($0, 0x30A1...0x30FA)
                    || isIn($0, 0x30FD...0x30FF) || isIn($0, 0x3400...0x9FFF) || $0 == "々" || $0 == "〇"
                    || isIn($0, 0xF900...0xFAFF) || isIn($0, 0x20000...0x3FFFF)
            }
        case 0x200D, 0x200C: return before.map { $0.properties.canonicalCombiningClass == .virama } ?? false
        // Exceptions of RFC 5892, 2.6.
        case 0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007: return true
        case 0x0640, 0x07FA, 0x302E, 0x302F, 0x3031...0x3035, 0x303B: return false
        case 0x2D: return true
        case 0x30...0x39, 0x61...0x7A: return true
        case 0..<0x80: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark, .decimalNumber:
            // What normalisation or case folding would change is not stable.
            return !scalar.properties.changesWhenNFKCCaseFolded
        default: return false
        }
    }

    private static func isIn(_ scalar: Unicode.Scalar, _ range: ClosedRange<UInt32>) -> Bool {
        range.contains(scalar.value)
    }

    /// The two sets of Arabic digits do not mix.
    private static func digitsAgree(_ label: [Unicode.Scalar]) -> Bool {
        !(label.contains { isIn($0, 0x660...0x669) } && label.contains { isIn($0, 0x6F0...0x6F9) })
    }
}
