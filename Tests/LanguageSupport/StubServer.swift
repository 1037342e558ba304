import Foundation
import PenchantData
import Synchronization

/// A chat endpoint on 127.0.0.1 that stands for a language model in tests: it answers from a function or from
/// a table of request keys, or misbehaves in the ways that servers do.
public final class StubServer: Sendable {
  public enum Behaviour: Sendable {
    /// A chat completion with this text.
    case answer(String)
    /// A 200 with this body.
    case body(String)
    case status(Int, headers: [String: String] = [:], body: String = "")
    /// A chat completion whose `refusal` is set.
    case refusal(String)
    /// No answer until the server stops.
    case hang
    /// Half of a body, then the end of the connection.
    case cut
    /// The connection ends before an answer.
    case close
    /// A body of so many bytes.
    case giant(Int)
  }

  public struct Request: Sendable {
    public let path: String
    public let authorization: String?
    public let body: String
    /// The key of the request, as `ChatRequest.key(model:)` has it.
    public let key: String
    /// How often this key was asked before.
    public let turn: Int

    /// The content of the last message.
    public var question: String {
      (try? JSONValue(parsing: body))?.object?["messages"]?.array?.last?.object?["content"]?.string ?? ""
    }
  }

  private struct State {
    var requests: [Request] = []
    var turns: [String: Int] = [:]
    var isStopped = false
    var busy = 0
    var busiest = 0
  }

  public let port: UInt16
  private let listener: Int32
  private let respond: @Sendable (Request) -> Behaviour
  private let state = Mutex(State())

  public init(_ respond: @escaping @Sendable (Request) -> Behaviour) throws {
    self.respond = respond
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let file = listener
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, size) == 0 && listen(file, 128) == 0 && getsockname(file, $0, &size) == 0
      }
    }
    guard bound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in accept() }
  }

  /// Answers from a table: the nth time a key is asked, its nth entry, the last one for ever.
  public convenience init(
    table: [String: [Behaviour]], otherwise: Behaviour = .status(404, body: "not in the table")
  ) throws {
    try self.init { request in
      guard let entries = table[request.key], !entries.isEmpty else { return otherwise }
      return entries[min(request.turn, entries.count - 1)]
    }
  }

  public var url: String { "http://127.0.0.1:\(port)" }
  public var requests: [Request] { state.withLock { $0.requests } }
  /// The most requests that were open at a time.
  public var busiest: Int { state.withLock { $0.busiest } }

  public func stop() {
    let first = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard first else { return }
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  private func accept() {
    while !isStopped {
      let connection = Foundation.accept(listener, nil, nil)
      guard connection >= 0 else { return }
      Thread.detachNewThread { [self] in
        serve(connection)
        close(connection)
      }
    }
  }

  /// Requests of one connection, one after the other.
  private func serve(_ connection: Int32) {
    var buffer: [UInt8] = []
    while !isStopped, let request = read(connection, &buffer) {
      state.withLock { state in
        state.busy += 1
        state.busiest = max(state.busiest, state.busy)
      }
      let goesOn = answer(connection, respond(request))
      state.withLock { $0.busy -= 1 }
      guard goesOn else { return }
    }
  }

  private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
    let end: [UInt8] = [13, 10, 13, 10]
    func more() -> Bool {
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let got = recv(connection, &chunk, chunk.count, 0)
      guard got > 0 else { return false }
      buffer += chunk[..<got]
      return true
    }
    var head: Range<Int>?
    while head == nil {
      head = buffer.firstRange(of: end)
      if head == nil, !more() { return nil }
    }
    guard let head else { return nil }
    let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    if headers["expect"] != nil { send(connection, "HTTP/1.1 100 Continue\r\n\r\n") }
    let length = Int(headers["content-length"] ?? "") ?? 0
    while buffer.count < head.upperBound + length { if !more() { return nil } }
    let bytes = Array(buffer[head.upperBound..<head.upperBound + length])
    buffer.removeFirst(head.upperBound + length)
    let key = XXHash64.hex(bytes) + XXHash64.hex(bytes, seed: 0x9E37_79B9_7F4A_7C15)
    return state.withLock { state in
      let turn = state.turns[key, default: 0]
      state.turns[key] = turn + 1
      let target = lines[0].split(separator: " ")
      let request = Request(
        path: target.count > 1 ? String(target[1]) : "", authorization: headers["authorization"],
        body: String(decoding: bytes, as: UTF8.self), key: key, turn: turn)
      state.requests.append(request)
      return request
    }
  }

  /// False when the connection ends with it.
  private func answer(_ connection: Int32, _ behaviour: Behaviour) -> Bool {
    switch behaviour {
    case .answer(let text):
      send(connection, 200, [:], StubServer.completion(["role": "assistant", "content": .string(text)]))
    case .refusal(let text):
      send(
        connection, 200, [:],
        StubServer.completion(["role": "assistant", "content": nil, "refusal": .string(text)]))
    case .body(let body): send(connection, 200, [:], body)
    case .status(let status, let headers, let body): send(connection, status, headers, body)
    case .hang:
      var chunk = [UInt8](repeating: 0, count: 16)
      while !isStopped {
        var one = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        if poll(&one, 1, 5) > 0, recv(connection, &chunk, chunk.count, 0) <= 0 { break }
      }
      return false
    case .cut:
      send(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"choices\": [")
      return false
    case .close: return false
    case .giant(let count):
      send(
        connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(count)\r\n\r\n")
      let chunk = String(repeating: " ", count: 1 << 16)
      var sent = 0
      while sent < count {
        let part = min(chunk.utf8.count, count - sent)
        guard send(connection, String(chunk.prefix(part))) else { return false }
        sent += part
      }
    }
    return true
  }

  private static func completion(_ message: JSONValue) -> String {
    let body: JSONValue = [
      "id": "stub", "object": "chat.completion",
      "choices": [["index": 0, "message": message, "finish_reason": "stop"]],
      "usage": ["prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10],
    ]
    return body.description
  }

  private func send(_ connection: Int32, _ status: Int, _ headers: [String: String], _ body: String) {
    var text =
      "HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    send(connection, text + "\r\n" + body)
  }

  @discardableResult
  private func send(_ connection: Int32, _ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Foundation.send(connection, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      done += sent
    }
    return true
  }
}
