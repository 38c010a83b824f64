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

    @Test(arguments: [
        ("http://a/b?code=C1&q=x#f", "http://a/b?code=REDACTED&q=x"),
        ("http://a/?postcode=1&", "http://a/?postcode=1&"),
        (
            "?token=1&key=2&sig=3&signature=4&access_token=5&api_key=6&password=7&X-Amz-Signature=8",
            "?token=REDACTED&key=REDACTED&sig=REDACTED&signature=REDACTED&access_token=REDACTED&api_key=REDACTED"
                + "&password=REDACTED&X-Amz-Signature=REDACTED"
        ),
        ("?%63ode=C1&CODE=C2&code", "?%63ode=REDACTED&CODE=REDACTED&code"), ("?%zzkey=1", "?%zzkey=REDACTED"),
        ("http://a/code=1", "http://a/code=1"),
    ])
    func `show no values of parameters that sound secret`(url: String, shown: String) {
        #expect(url.withoutSecretsOfQuery == shown)
    }
}
