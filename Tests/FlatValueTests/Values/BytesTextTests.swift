import Testing

@testable import FlatValue

struct BytesTextTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 goes both ways`(text: String, encoded: String) {
        #expect(BytesText.base64(Array(text.utf8)) == encoded)
        #expect(BytesText.bytes(base64: encoded.utf8) == Array(text.utf8))
        #expect(BytesText.bytes(base64: encoded.filter { $0 != "=" }.utf8) == Array(text.utf8))
    }

    @Test func `both alphabets and white space are read`() {
        #expect(BytesText.base64([0xFB, 0xFF, 0xFE]) == "+//+")
        #expect(BytesText.bytes(base64: "-__-".utf8) == [0xFB, 0xFF, 0xFE])
        #expect(BytesText.bytes(base64: " +/\r\n/+\n".utf8) == [0xFB, 0xFF, 0xFE])
    }

    @Test(arguments: ["Z", "Zg=", "Zg===", "Zm9v=", "Z=g=", "Zm9vY", "Zm9v!", "=", "é"])
    func `what is no base64 is refused`(text: String) {
        #expect(BytesText.bytes(base64: text.utf8) == nil)
    }

    @Test func `hexadecimal digits go both ways`() {
        let all = (0...255).map { UInt8($0) }
        #expect(BytesText.bytes(hex: BytesText.hex(all).utf8) == all)
        #expect(BytesText.hex([0, 0xAB]) == "00ab")
        #expect(BytesText.bytes(hex: "00AB".utf8) == [0, 0xAB])
        for text in ["0", "0g", "00 1", "é"] { #expect(BytesText.bytes(hex: text.utf8) == nil) }
    }

    @Test(arguments: 0..<20) func `a text in pieces is that of the whole`(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + 200) }
        func text(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> String {
            var text = [UInt8](repeating: 0, count: count)
            text.withUnsafeMutableBytes { text in bytes.withUnsafeBytes { fill(text, $0) } }
            return String(decoding: text, as: UTF8.self)
        }
        let url = text(BytesText.base64URLLength(length)) { BytesText.fillBase64URL($0, of: $1) }
        #expect(url == BytesText.base64(bytes).replacing("+", with: "-").replacing("/", with: "_").filter { $0 != "=" })
        #expect(BytesText.bytes(base64: url.utf8) == bytes)
        for cut in 0...url.utf8.count {
            var decoder = BytesText.Base64Decoder()
            var decoded: [UInt8] = []
            for piece in [Array(url.utf8.prefix(cut)), Array(url.utf8.dropFirst(cut))] {
                #expect(piece.withUnsafeBytes { decoder.decode($0, into: &decoded) })
            }
            #expect(decoder.finish(into: &decoded) && decoded == bytes)
        }
    }
}
