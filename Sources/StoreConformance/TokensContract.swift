internal import WorkflowEngine

/// Every journal that lasts keeps tokens. One that keeps none passes.
extension StoreContract {
    static let tokens: [StoreCheck] = [
        StoreCheck("a token comes back as it was made, until it is removed") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            guard let writer = first as? any TokenStore, let reader = second as? any TokenStore else { return }
            try expect(try await reader.tokens().isEmpty)
            let tokens = (1...2).map { number in
                AccessToken(
                    id: "t\(number)", name: "ci \(number)", role: number == 1 ? .run : .admin,
                    workflows: number == 1 ? ["orders", "mails"] : [], hash: [UInt8](repeating: 0xFE, count: 32),
                    expiresAt: 99, createdAt: Int64(number))
            }
            for token in tokens.reversed() { try await writer.add(token) }
            try expect(try await reader.tokens() == tokens)
            try expect(try await reader.token("t1") == tokens[0])
            try expect(try await reader.token("t3") == nil)
            try expect(try await reader.removeToken("t1"))
            try expect(try await !writer.removeToken("t1"))
            try expect(try await writer.tokens() == [tokens[1]])
            await first.close()
            await second.close()
        }
    ]
}
