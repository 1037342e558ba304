// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who depends on penchant builds or resolves it.
let package = Package(
  name: "penchant-bench",
  products: [
    .executable(name: "penchant-bench", targets: ["penchant-bench"]),
    .executable(name: "sgemm-peer", targets: ["sgemm-peer"]),
  ],
  dependencies: [
    .package(name: "penchant", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // Clocks, buffers on huge pages, and the machine's ceilings.
    .target(name: "CBench", linkerSettings: [.linkedLibrary("m")]),
    // Other libraries' sgemm, in a process of its own.
    .executableTarget(
      name: "sgemm-peer", dependencies: ["CBench"], path: "Sources/SgemmPeer",
      linkerSettings: [.linkedLibrary("dl")]),
    .executableTarget(
      name: "penchant-bench",
      dependencies: [
        "CBench",
        .product(name: "PenchantKernels", package: "penchant"),
        .product(name: "PenchantTape", package: "penchant"),
        .product(name: "PenchantNN", package: "penchant"),
        .product(name: "PenchantData", package: "penchant"),
        .product(name: "PenchantTrain", package: "penchant"),
        .product(name: "PolicyOptimisation", package: "penchant"),
        .product(name: "PreferenceModels", package: "penchant"),
        .product(name: "SequentialRecommenders", package: "penchant"),
        .product(name: "DiffusionAlignment", package: "penchant"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/KernelBench"),
  ],
  swiftLanguageModes: [.v6]
)
