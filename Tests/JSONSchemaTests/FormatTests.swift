import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `Formats` {
    @Test(
        arguments: [
            (
                .dateTime,
                [
                    "2025-01-31T12:00:00Z", "1998-12-31T23:59:60Z", "1998-12-31T15:59:60.123-08:00",
                    "2025-01-31t12:00:00.5+01:00",
                ],
                [
                    "2025-02-30T12:00:00Z", "2025-01-31 12:00:00Z", "2025-01-31T12:00:00", "2025-01-31T24:00:00Z",
                    "1998-12-31T23:58:60Z", "2025-01-31T12:00:00+24:00", "",
                ]
            ),
            (
                .date, ["2024-02-29", "2000-02-29"],
                ["2023-02-29", "1900-02-29", "2025-1-01", "2025-13-01", "٢٠٢٥-01-01"]
            ),
            (
                .time, ["08:30:06Z", "08:30:06.283185Z", "23:59:60+00:00", "01:29:60+01:30"],
                ["08:30:06", "24:00:00Z", "22:59:60Z", "08:30:06.Z", "8:30:06Z"]
            ),
            (
                .duration, ["P4DT12H30M5S", "P4Y", "PT0S", "P1M", "PT36H", "P2W"],
                ["PT1D", "P", "P1YT", "PT", "P2D1Y", "P1D2H", "P1Y2W", "P1", "PT1.5H", "P1Y3D"]
            ),
            (
                .email,
                [
                    "joe@example.com", "te~st@example.com", "\"joe bloggs\"@example.com", "a@[127.0.0.1]",
                    "a@[IPv6:::1]",
                ],
                [
                    "joe", ".a@example.com", "a.@example.com", "a..b@example.com", "a@-x.com", "a@[127.0.0.300]",
                    "실례@example.com", "joe bloggs@example.com",
                ]
            ),
            (.idnEmail, ["실례@실례.테스트", "joe@example.com"], ["2962", "@x"]),
            (
                .hostname, ["www.example.com", "a-b.c", "xn--4gbwdl.xn--wgbh1c", "1host"],
                ["-a.com", "a-.com", "a_b", "a..b", "", ".", "aa--bb.com", "xn--X", String(repeating: "a", count: 64)]
            ),
            (.idnHostname, ["실례.테스트", "l·l.com", "カ・タ"], ["〮실례.테스트", "a·l", "-> $1.00", "̀hello"]),
            (
                .ipv4, ["192.168.0.1", "0.0.0.0"],
                ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.4/24", "१.2.3.4"]
            ),
            (
                .ipv6, ["::1", "::", "1:2:3:4:5:6:7:8", "::ffff:192.168.0.1", "1::8", "1:2:3:4:5:6:1.2.3.4"],
                [
                    "12345::", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1%eth0", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7",
                    "::192.168.0.1.1", "1:2:3:4:5:6:7:1.2.3.4",
                ]
            ),
            (
                .uri,
                [
                    "http://foo.bar/?q=a%20b#x", "urn:oasis:names", "mailto:a@b.c", "tel:+1-816",
                    "ldap://[2001:db8::7]/c=GB?x",
                ],
                [
                    "//foo.bar", "/abc", "\\\\WINDOWS", "http://a b", "http:// x", ":// x", "http://a/%zz",
                    "http://[::1", "http://x:y", "bar,baz:foo", "http://ƒøø",
                ]
            ),
            (.uriReference, ["/abc", "abc", "#frag", "", "//a.b"], ["\\\\WIN", "#frag\\ment", "1a:b"]),
            (.iri, ["http://ƒøø.ßår/?∂éœ=πîx#πîüx"], ["/abc", "http://2001:0db8:85a3::7334"]),
            (.iriReference, ["âππ", "#ƒrägmênt"], ["\\\\WINDOWS", "#ƒräg\\mênt"]),
            (
                .uriTemplate, ["http://x/{term:1}/{term}", "http://x/dict", "{+a,b*}", "{?x,y.z}"],
                ["http://x/{term:1}/{term", "{}", "{a:0}", "a b", "}"]
            ),
            (
                .uuid, ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
                ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4ga-73b441d16380"]
            ),
            (.jsonPointer, ["", "/foo/0", "/a~1b/~0"], ["foo", "/~", "/~2", "#/"]),
            (.relativeJSONPointer, ["1", "0/foo", "2#", "120/a"], ["/foo", "-1/a", "01", "0##", "", "+1/a"]),
            (.regex, ["([abc])+\\s+$"], ["^(abc]", "\\a"]),
            (.base64, ["", "Zm9v", "Zm8=", "Zg=="], ["Zm9", "Z===", "Zm9v\n", "Zm-_"]),
            (
                .url, ["https://example.com/x?y", "http://localhost:8080"],
                ["ftp://x", "https://", "example.com", "https:///x"]
            ), (.ip, ["::1", "1.2.3.4"], ["x", ""]),
        ] as [(Format, [String], [String])])
    func `a format takes what its standard says`(format: Format, good: [String], bad: [String]) throws {
        for text in good {
            #expect(
                try verdict(#"{"format":"\#(format.rawValue)"}"#, Value(text), assertsFormats: true) == Value(text).json
            )
        }
        for text in bad {
            #expect(
                try verdict(#"{"format":"\#(format.rawValue)"}"#, Value(text), assertsFormats: true).hasPrefix(
                    "must be "), "\(format) took \(text)")
        }
    }

    @Test func `formats are notes unless the schema is ours, the options or the dialect say otherwise`() throws {
        #expect(try verdict(#"{"format":"email"}"#, #""x""#) == #""x""#)
        #expect(try verdict(#"{"format":"email","x-aikit":{}}"#, #""x""#) == #"must be an email address (got "x")"#)
        #expect(try verdict(#"{"format":"no such format"}"#, #""x""#, assertsFormats: true) == #""x""#)
        var registry = SchemaRegistry()
        registry.register([
            "$id": "https://example.com/asserting",
            "$vocabulary": ["https://json-schema.org/draft/2020-12/vocab/format-assertion": true],
        ])
        let schema = try Schema(
            json: #"{"$schema":"https://example.com/asserting","format":"ipv4"}"#, options: .init(registry: registry))
        guard case .invalid = schema.validate("x") else {
            Issue.record("taken")
            return
        }
    }
}
