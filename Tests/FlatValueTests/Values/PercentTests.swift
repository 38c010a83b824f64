internal import FlatValue
internal import Testing

@Suite("Percent escapes")
struct PercentTests {
    @Test(arguments: [
        ("a%20b", "a b"), ("%C3%A9", "é"), ("%c3%a9", "é"), ("plain ü", "plain ü"), ("", ""), ("%00", "\0"),
        ("%2", nil), ("%", nil), ("%zz", nil), ("%+1", nil), ("%FF", nil), ("ü%FF", nil),
    ])
    func `stand for bytes of UTF-8`(text: String, meant: String?) {
        #expect(BytesText.percentDecoded(text) == meant)
    }

    @Test func `what is encoded is read as it was`() {
        let text = String(decoding: 0...127 as ClosedRange<UInt8>, as: UTF8.self) + "é🎈"
        #expect(BytesText.percentDecoded(BytesText.percentEncoded(Array(text.utf8))) == text)
    }
}
