// swift-tools-version: 6.2
import PackageDescription

// Layers in order; a target depends on those above it only. No unsafe flags: SwiftPM refuses a versioned
// dependency that has them, so OpenMP is entered through its runtime (csrc/base/team.c) and kernels pick their
// instruction set at load (PN_CLONES).
//
// PN_UBSAN=1 (Tests/run-sanitizers) is the one exception: UndefinedBehaviorSanitizer for C has no other switch.
let sanitized = Context.environment["PN_UBSAN"] == "1"
let checks = "-fsanitize=undefined,float-cast-overflow"

let package = Package(
  name: "penchant",
  products: [
    .library(name: "PenchantKernels", targets: ["PenchantKernels"]),
    .library(name: "PenchantTape", targets: ["PenchantTape"]),
    .library(name: "PenchantNN", targets: ["PenchantNN"]),
    .library(name: "PenchantData", targets: ["PenchantData"]),
    .library(name: "PenchantLanguage", targets: ["PenchantLanguage"]),
    .library(name: "PenchantTrain", targets: ["PenchantTrain"]),
    .library(name: "PolicyOptimisation", targets: ["PolicyOptimisation"]),
    .library(name: "PreferenceModels", targets: ["PreferenceModels"]),
    .library(name: "SequentialRecommenders", targets: ["SequentialRecommenders"]),
    .library(name: "DiffusionAlignment", targets: ["DiffusionAlignment"]),
    .executable(name: "penchant", targets: ["penchant"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // C
    .target(name: "CPenchant", path: "include", publicHeadersPath: "."),
    .target(
      name: "CPenchantKernels", dependencies: ["CPenchant"], path: "csrc", publicHeadersPath: "base",
      cSettings: sanitized ? [.unsafeFlags([checks, "-fno-sanitize-recover=all"])] : [],
      linkerSettings: [
        .linkedLibrary("omp5"), .linkedLibrary("lapacke"), .linkedLibrary("openblas"), .linkedLibrary("m"),
      ] + (sanitized ? [.unsafeFlags(["-Xclang-linker", checks])] : [])),
    .systemLibrary(
      name: "CCompression",
      providers: [
        .apt(["zlib1g-dev", "libzstd-dev", "libbz2-dev", "libopenblas-dev", "liblapacke-dev", "libomp-dev"])
      ]),
    .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"])]),

    // Engine
    .target(name: "PenchantKernels", dependencies: ["CPenchant", "CPenchantKernels"]),
    .target(name: "PenchantTape", dependencies: ["PenchantKernels"]),
    .target(name: "PenchantNN", dependencies: ["PenchantTape"], exclude: ["UNet/UNet.md"]),
    .target(name: "PenchantData", dependencies: ["PenchantKernels", "CCompression"]),
    .target(name: "PenchantLanguage", dependencies: ["PenchantData"]),
    .target(
      name: "PenchantTrain",
      dependencies: ["PenchantNN", "PenchantData", .product(name: "Yams", package: "Yams")]),

    .target(name: "PolicyOptimisation", dependencies: ["PenchantTrain"]),

    // Systems
    .target(
      name: "PreferenceModels",
      dependencies: [
        "PolicyOptimisation", "PenchantTrain", "PenchantLanguage", .product(name: "Yams", package: "Yams"),
      ],
      exclude: [
        "Baselines/Baselines.md", "BradleyTerry/BradleyTerry.md", "LCPO/LCPO.md", "PAR/PAR.md",
        "PrefPalette/PrefPalette.md",
      ]),
    .target(
      name: "SequentialRecommenders", dependencies: ["PenchantTrain"],
      exclude: [
        "Backbones/BERT4Rec/BERT4Rec.md", "Backbones/GRU4Rec/GRU4Rec.md", "Backbones/SASRec/SASRec.md",
        "Backbones/Text/Text.md", "Reasoning/ReaRec.md",
      ]),
    .target(name: "DiffusionAlignment", dependencies: ["PenchantTrain", "CPNG"]),

    // Tools
    .target(
      name: "PenchantReport", dependencies: [.product(name: "Mustache", package: "swift-mustache")]),
    .executableTarget(
      name: "penchant",
      dependencies: [
        "PreferenceModels", "SequentialRecommenders", "DiffusionAlignment", "PolicyOptimisation",
        "PenchantLanguage",
        "PenchantReport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Examples
    .executableTarget(name: "FirstModel", dependencies: ["PenchantNN"], path: "Examples/FirstModel"),

    // Tests
    .target(name: "TestSupport", dependencies: ["PenchantKernels"], path: "Tests/TestSupport"),
    .target(
      name: "TapeSupport", dependencies: ["PenchantTape", "TestSupport"], path: "Tests/TapeSupport"),
    .testTarget(name: "PenchantKernelsTests", dependencies: ["PenchantKernels", "TestSupport"]),
    .testTarget(name: "PenchantTapeTests", dependencies: ["PenchantTape", "TapeSupport", "TestSupport"]),
    .testTarget(name: "PenchantNNTests", dependencies: ["PenchantNN", "TapeSupport", "TestSupport"]),
    .target(name: "LanguageSupport", dependencies: ["PenchantData"], path: "Tests/LanguageSupport"),
    .testTarget(name: "PenchantDataTests", dependencies: ["PenchantData", "CCompression", "TestSupport"]),
    .testTarget(name: "PenchantLanguageTests", dependencies: ["PenchantLanguage", "LanguageSupport"]),
    .testTarget(name: "PenchantTrainTests", dependencies: ["PenchantTrain", "TestSupport"]),
    .testTarget(name: "PolicyOptimisationTests", dependencies: ["PolicyOptimisation", "TestSupport"]),
    .testTarget(
      name: "PreferenceModelsTests", dependencies: ["PreferenceModels", "LanguageSupport", "TestSupport"]),
    .testTarget(
      name: "SequentialRecommendersTests",
      dependencies: ["SequentialRecommenders", "TapeSupport", "TestSupport"]),
    .testTarget(
      name: "DiffusionAlignmentTests",
      dependencies: ["DiffusionAlignment", "LanguageSupport", "TapeSupport", "TestSupport"]),
    .testTarget(name: "PenchantReportTests", dependencies: ["PenchantReport", "TestSupport"]),
    .testTarget(name: "PackageTests"),
    .testTarget(
      name: "CommandTests", dependencies: ["penchant", "PenchantReport", "LanguageSupport", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)

// PN_ENGINE=1 (Tests/run-sanitizers --short): the engine alone. Building the systems and the command takes longer than its tests.
if Context.environment["PN_ENGINE"] == "1" {
  let systems: Set = [
    "PolicyOptimisation", "PreferenceModels", "SequentialRecommenders", "DiffusionAlignment", "penchant",
  ]
  let tests = Set(systems.map { "\($0)Tests" }).union(["PackageTests", "CommandTests"])
  package.products.removeAll { systems.contains($0.name) }
  package.targets.removeAll { systems.contains($0.name) || tests.contains($0.name) }
}
