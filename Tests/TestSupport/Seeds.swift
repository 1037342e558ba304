/// The seed of random tests: `PENCHANT_SEED` when set, else 1.
import Foundation

public let testSeed: UInt64 = ProcessInfo.processInfo.environment["PENCHANT_SEED"].flatMap(UInt64.init) ?? 1
