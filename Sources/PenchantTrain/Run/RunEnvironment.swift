import Foundation
import PenchantKernels

/// Where a run was made: `environment.json`.
public struct RunEnvironment: Codable, Sendable, Equatable {
  public var penchant: String
  public var system: String
  public var cpu: String
  public var cores: Int
  public var threads: Int
  public var swift: String
  public var created: String

  /// The machine of this process.
  public static func current() -> RunEnvironment {
    RunEnvironment(
      penchant: version, system: ProcessInfo.processInfo.operatingSystemVersionString, cpu: cpuName(),
      cores: ProcessInfo.processInfo.activeProcessorCount, threads: Team.size, swift: swiftVersion,
      created: Date().formatted(.iso8601))
  }

  public static let version = "0.1.0"

  static func cpuName() -> String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  static var swiftVersion: String {
    #if compiler(>=6.3)
      "6.3 or later"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6"
    #endif
  }
}

/// Peak resident memory of this process in bytes.
public func peakMemory() -> Int {
  var usage = rusage()
  guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  return Int(usage.ru_maxrss) * 1024
}
