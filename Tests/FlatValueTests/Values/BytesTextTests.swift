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
}
