// swift-tools-version: 6.2
import PackageDescription

// The readers as entry points of libFuzzer, in one static library; driver.c picks one (see ../run).
let package = Package(
  name: "penchant-fuzz",
  products: [.library(name: "FuzzReaders", type: .static, targets: ["FuzzReaders"])],
  dependencies: [.package(name: "penchant", path: "../../..")],
  targets: [
    .target(
      name: "FuzzReaders",
      dependencies: [
        .product(name: "DiffusionAlignment", package: "penchant"),
        .product(name: "PenchantData", package: "penchant"),
        .product(name: "PenchantLanguage", package: "penchant"),
        .product(name: "PenchantTrain", package: "penchant"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
