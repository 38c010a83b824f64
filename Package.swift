// swift-tools-version: 6.2
import PackageDescription

/// The pkg-config name of the Lua 5.4 to link; a newer or a private build is chosen by this variable.
let luaPackage = Context.environment["AIKIT_LUA_PKGCONFIG"] ?? "lua5.4"

let package = Package(
    name: "aikit-lua",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "aikit-lua", targets: ["aikit-lua"]),
        .library(
            name: "WorkflowEngine",
            targets: ["FlatValue", "JSONSchema", "WorkflowCore", "WorkflowEngine", "MemoryJournal"]),
        .library(name: "LuaWorkflows", targets: ["LuaWorkflows"]),
        .library(name: "HostEffects", targets: ["HostEffects"]),
        .library(name: "SQLiteJournal", targets: ["SQLiteJournal"]),
        .library(name: "PostgresJournal", targets: ["PostgresJournal"]),
        .library(name: "WorkflowServer", targets: ["WorkflowServer"]),
        .library(name: "WorkflowTelemetry", targets: ["WorkflowTelemetry"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.20.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLua", pkgConfig: luaPackage,
            providers: [.apt(["liblua5.4-dev"]), .brew(["lua@5.4"])]),
        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8",
            providers: [.apt(["libpcre2-dev"]), .brew(["pcre2"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(name: "CLuaBridge", dependencies: ["CLua"]),
        .target(name: "CHostSystem"),
        // For tests alone: no product may depend on it.
        .target(name: "CLuaBridgeTesting"),
        // Locks a process in which Lua runs.
        .target(name: "CSandbox"),
        // For tests alone: no product may depend on it.
        .target(name: "CSandboxTesting", dependencies: ["CSandbox"]),
        .target(name: "CPrelude", exclude: ["lua"]),
        .target(name: "CTemplates", exclude: ["templates"]),
        .target(name: "CDashboard", exclude: ["web"]),
        // The guides and the reference, which lie in docs.
        .target(name: "CGuides"),
        // The C library of the system, by one name.
        .target(name: "Platform", dependencies: ["CHostSystem"]),
        .target(name: "FlatValue", dependencies: ["Platform"]),
        .target(name: "JSONSchema", dependencies: ["Platform", "CPCRE2", "FlatValue"]),
        .target(name: "WorkflowCore", dependencies: ["FlatValue", "JSONSchema"]),
        .target(name: "WorkflowDiagram", dependencies: ["FlatValue", "WorkflowCore"]),
        .target(
            name: "WorkflowEngine",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "WorkflowCore",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "LuaRuntime",
            dependencies: ["FlatValue", "JSONSchema", "CLuaBridge", "WorkflowCore", "WorkflowEngine"]),
        .target(name: "LuaAnalysis", dependencies: ["CLuaBridge", "FlatValue", "WorkflowCore"]),
        .target(
            name: "LuaWorkflows",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "LuaAnalysis", "CPrelude", "LuaRuntime", "WorkflowCore",
                "WorkflowEngine",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // How an entry of a run's journal is laid out, for stores that keep it in tables.
        .target(
            name: "StoredEntries",
            dependencies: ["FlatValue", "WorkflowCore", .product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "SQLiteJournal",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "StoredEntries", "WorkflowCore", "WorkflowEngine",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        // A few functions of libpq, which is loaded when a store in PostgreSQL is opened.
        .target(name: "CPostgres"),
        .target(
            name: "PostgresJournal",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "CPostgres", "StoredEntries", "WorkflowCore", "WorkflowEngine",
            ]),
        .target(name: "MemoryJournal", dependencies: ["FlatValue", "WorkflowCore", "WorkflowEngine"]),
        // The contract of stores as checks. For tests alone: no product may depend on it.
        .target(
            name: "StoreConformance",
            dependencies: ["FlatValue", "JSONSchema", "MemoryJournal", "WorkflowCore", "WorkflowEngine"]),
        .target(
            name: "HostEffects",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "CHostSystem", "Compression", "WorkflowCore", "WorkflowEngine",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "Compression", dependencies: ["CZlib"]),
        .target(
            name: "WorkflowServer",
            dependencies: [
                "Platform", "JSONSchema", "FlatValue", "WorkflowDiagram", "CDashboard", "Compression", "WorkflowCore",
                "WorkflowEngine",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"), .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(
            name: "WorkflowTelemetry",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "Compression", "WorkflowCore", "WorkflowEngine",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "Instrumentation", package: "swift-distributed-tracing"),
            ]),
        // Lua in processes that the system has locked.
        .target(name: "CVMProcess", dependencies: ["CHostSystem"]),
        .target(
            name: "VMProcess",
            dependencies: [
                "Platform", "FlatValue", "CSandbox", "CVMProcess", "LuaWorkflows", "WorkflowCore", "WorkflowEngine",
            ]),
        .target(name: "FileWatching", dependencies: ["Platform"]),
        .target(
            name: "LuaTesting",
            dependencies: [
                "Platform", "FlatValue", "HostEffects", "LuaWorkflows", "WorkflowCore", "WorkflowEngine",
                "WorkflowTelemetry",
            ]),
        .executableTarget(
            name: "aikit-lua",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "MemoryJournal", "WorkflowDiagram", "CHostSystem", "CLuaBridge",
                "CSandbox", "WorkflowCore",
                "WorkflowEngine", "LuaRuntime", "LuaWorkflows",
                "PostgresJournal", "SQLiteJournal",
                "HostEffects", "FileWatching", "LuaTesting", "CGuides", "CTemplates", "VMProcess", "WorkflowServer",
                "WorkflowTelemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        // Values and workflows made at random. For tests alone: no product may depend on it.
        .target(name: "TestInputs", dependencies: ["FlatValue", "WorkflowCore"], path: "Tests/TestInputs"),
        .testTarget(name: "FlatValueTests", dependencies: ["TestInputs", "FlatValue"]),
        .testTarget(name: "JSONSchemaTests", dependencies: ["FlatValue", "JSONSchema"]),
        .testTarget(name: "WorkflowCoreTests", dependencies: ["TestInputs", "FlatValue", "WorkflowCore"]),
        .testTarget(
            name: "WorkflowDiagramTests", dependencies: ["TestInputs", "FlatValue", "WorkflowCore", "WorkflowDiagram"]),
        .testTarget(
            name: "WorkflowEngineTests",
            dependencies: ["Platform", "FlatValue", "MemoryJournal", "WorkflowEngine", "WorkflowCore"]),
        .testTarget(
            name: "LuaRuntimeTests",
            dependencies: [
                "Platform", "TestInputs", "FlatValue", "WorkflowEngine", "LuaRuntime", "CLuaBridge", "WorkflowCore",
            ]),
        .testTarget(name: "LuaAnalysisTests", dependencies: ["FlatValue", "LuaAnalysis", "WorkflowCore"]),
        .testTarget(
            name: "LuaWorkflowsTests",
            dependencies: [
                "Platform", "FlatValue", "LuaWorkflows", "CLuaBridge", "CLuaBridgeTesting", "WorkflowEngine",
                "WorkflowCore",
            ]),
        .testTarget(
            name: "LuaTestingTests",
            dependencies: ["JSONSchema", "LuaTesting", "LuaWorkflows", "WorkflowEngine", "WorkflowCore"]),
        .testTarget(
            name: "StoreConformanceTests",
            dependencies: ["MemoryJournal", "StoreConformance", "WorkflowEngine", "WorkflowCore"]),
        .testTarget(
            name: "PostgresJournalTests",
            dependencies: [
                "Platform", "FlatValue", "PostgresJournal", "StoreConformance", "WorkflowEngine", "WorkflowCore",
            ]),
        .testTarget(
            name: "SQLiteJournalTests",
            dependencies: [
                "Platform", "FlatValue", "LuaWorkflows", "MemoryJournal", "SQLiteJournal", "StoreConformance",
                "WorkflowEngine", "WorkflowCore",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "HostEffectsTests",
            dependencies: [
                "Platform", "FlatValue", "CHostSystem", "Compression", "HostEffects", "WorkflowEngine", "WorkflowCore",
            ]),
        .testTarget(
            name: "WorkflowServerTests",
            dependencies: [
                "Platform", "FlatValue", "MemoryJournal", "WorkflowServer", "WorkflowEngine", "WorkflowCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "JWTKit", package: "jwt-kit"), .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "WorkflowTelemetryTests",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "CZlib", "MemoryJournal", "WorkflowTelemetry", "WorkflowEngine",
                "WorkflowCore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        .testTarget(name: "SandboxTests", dependencies: ["Platform", "CSandbox", "CSandboxTesting"]),
        .testTarget(
            name: "VMProcessTests",
            dependencies: ["FlatValue", "VMProcess", "LuaWorkflows", "WorkflowCore"]),
        .testTarget(name: "FileWatchingTests", dependencies: ["FileWatching"]),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "Platform", "FlatValue", "JSONSchema", "aikit-lua", "LuaWorkflows", "SQLiteJournal", "WorkflowEngine",
                "WorkflowCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
    ],
    cLanguageStandard: .gnu17
)

// One place for the settings of every Swift target.
for target in package.targets where ![.system, .plugin, .binary].contains(target.type) {
    if target.name.hasPrefix("C") && target.type == .regular {
        target.cSettings = [
            .treatAllWarnings(as: .error), .enableWarning("all"), .enableWarning("extra"),
            .disableWarning("c23-extensions"),
        ]
        continue
    }
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .treatWarning("StrictLanguageFeatures", as: .error),
        ]
}
