import FlatValue
import Testing

@Suite("URLs in messages")
struct URLTextTests {
    @Test(arguments: [
        ("https://example.com/a?token=T#x", "https://example.com/a"),
        ("http://u:PW@example.com:80/a", "http://example.com:80/a"),
        ("http://u:PA/SS@example.com/a", "http://example.com/a"),
        ("http://u:P?SS@example.com/a", "http://example.com/a"),
        ("u:PW@example.com:4318", "example.com:4318"), ("https://example.com/@me/a", "https://example.com/@me/a"),
        ("http://u:PW", "http://u…"), ("http://[::1]:80/a", "http://[::1]:80/a"), ("", ""), ("://", "://"),
    ])
    func `show no user, no password and no query`(url: String, shown: String) {
        #expect(url.withoutSecretsOfURL == shown)
    }
}
