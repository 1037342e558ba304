import Foundation
import PenchantTrain
import Synchronization

/// A file system in memory that records what happens to it and can be cut off at any moment.
///
/// Bytes of a file count as safe once it was synced, names in a folder once the folder was synced. `afterPowerCut` gives what
/// a disk may hold at worst: unsynced bytes dropped or torn at 512-byte units, unsynced names lost or kept.
final class MemoryFiles: FileLayer {
  struct Node {
    var bytes: [UInt8]
    var synced: [UInt8]?
    var link: String?
  }
  struct State {
    /// What programs see.
    var nodes: [String: Node] = [:]
    var folders: Set<String> = [""]
    /// Names as the disk has them.
    var durable: [String: Node] = [:]
    var operations = 0
    var limit = Int.max
    var full = Int.max
  }
  let state = Mutex(State())

  struct Cut: Error {}

  private func operate(_ body: (inout State) throws -> Void) throws {
    try state.withLock { state in
      guard state.operations < state.limit else { throw Cut() }
      state.operations += 1
      try body(&state)
    }
  }

  private func parent(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }

  func createDirectory(_ path: String) throws {
    try operate { state in
      var partial = ""
      for part in path.split(separator: "/") {
        partial += (partial.isEmpty ? "" : "/") + part
        state.folders.insert(partial)
      }
    }
  }

  func write(_ bytes: [UInt8], to path: String) throws {
    try operate { state in
      let used = state.nodes.values.map(\.bytes.count).reduce(0, +)
      guard used + bytes.count <= state.full else {
        state.nodes[path] = Node(
          bytes: Array(bytes.prefix(max(0, state.full - used))), synced: nil, link: nil)
        throw FileError("write", path, code: ENOSPC)
      }
      state.nodes[path] = Node(bytes: bytes, synced: nil, link: nil)
    }
  }

  func syncFile(_ path: String) throws {
    try operate { state in
      guard let node = state.nodes[path] else { throw FileError("sync", path, code: ENOENT) }
      state.nodes[path]?.synced = node.bytes
      state.durable[path]?.synced = node.bytes
    }
  }

  func syncDirectory(_ path: String) throws {
    try operate { state in
      state.durable = state.durable.filter { parent($0.key) != path }
      for (name, node) in state.nodes
      where parent(name) == path || name.hasPrefix(path + "/") && parent(parent(name)) == path {
        // A renamed folder takes the names inside along.
        state.durable[name] = node
      }
    }
  }

  func rename(_ source: String, to destination: String) throws {
    try operate { state in
      if let node = state.nodes.removeValue(forKey: source) { state.nodes[destination] = node }
      for (name, node) in state.nodes where name.hasPrefix(source + "/") {
        state.nodes[name] = nil
        state.nodes[destination + name.dropFirst(source.count)] = node
      }
      if state.folders.remove(source) != nil { state.folders.insert(destination) }
    }
  }

  func link(_ path: String, to target: String) throws {
    try operate { $0.nodes[path] = Node(bytes: [], synced: [], link: target) }
  }

  func target(of path: String) -> String? { state.withLock { $0.nodes[path]?.link } }

  func read(_ path: String) throws -> [UInt8] {
    try state.withLock { state in
      guard let node = state.nodes[path], node.link == nil else {
        throw FileError("open", path, code: ENOENT)
      }
      return node.bytes
    }
  }

  func names(in path: String) -> [String] {
    state.withLock { state in
      let all = Set(state.nodes.keys).union(state.folders).filter { $0.hasPrefix(path + "/") }
      return Set(all.map { String($0.dropFirst(path.count + 1).prefix { $0 != "/" }) }).sorted()
    }
  }

  func remove(_ path: String) throws {
    try operate { state in
      state.nodes = state.nodes.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
      state.folders = state.folders.filter { $0 != path && !$0.hasPrefix(path + "/") }
    }
  }

  enum Loss: CaseIterable {
    /// Only synced bytes under synced names.
    case everythingUnsynced
    /// All names made it, unsynced bytes did not.
    case unsyncedBytes
    /// All names made it, of unsynced bytes every second unit of 512.
    case torn
    /// A crash of the process alone: the system keeps all.
    case nothing
  }

  func afterPowerCut(_ loss: Loss) -> MemoryFiles {
    let disk = MemoryFiles()
    let old = state.withLock { $0 }
    let nodes = loss == .everythingUnsynced ? old.durable : old.nodes
    disk.state.withLock { state in
      state.folders = old.folders
      for (path, node) in nodes {
        var node = node
        switch loss {
        case .everythingUnsynced, .unsyncedBytes: node.bytes = node.synced ?? []
        case .torn where node.synced == nil:
          for unit in stride(from: 0, to: node.bytes.count, by: 1024) {
            for place in unit..<min(unit + 512, node.bytes.count) { node.bytes[place] = 0 }
          }
        case .torn, .nothing: break
        }
        node.synced = node.bytes
        state.nodes[path] = node
        state.durable[path] = node
      }
    }
    return disk
  }
}
