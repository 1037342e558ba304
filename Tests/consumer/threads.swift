// What the consumer test asks: the team that the step ran on, and that its threads exist.
import Foundation
import PenchantKernels

let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
let threads =
  status.split(separator: "\n").first { $0.hasPrefix("Threads:") }
  .flatMap { Int($0.dropFirst("Threads:".count).trimmingCharacters(in: .whitespaces)) } ?? 1
print("trained on \(min(Team.size, threads)) threads")
