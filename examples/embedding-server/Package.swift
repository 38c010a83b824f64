// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "embedding-server",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "aikit-lua", path: "../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "embedding-server",
            dependencies: [
                .product(name: "LuaWorkflows", package: "aikit-lua"),
                .product(name: "SQLiteJournal", package: "aikit-lua"),
                .product(name: "WorkflowEngine", package: "aikit-lua"),
                .product(name: "WorkflowServer", package: "aikit-lua"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ])
    ]
)
