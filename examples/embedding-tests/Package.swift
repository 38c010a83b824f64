// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "embedding-tests",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "aikit-lua", path: "../..")],
    targets: [
        .testTarget(
            name: "ReminderTests",
            dependencies: [
                .product(name: "LuaWorkflows", package: "aikit-lua"),
                .product(name: "WorkflowEngine", package: "aikit-lua"),
            ])
    ]
)
