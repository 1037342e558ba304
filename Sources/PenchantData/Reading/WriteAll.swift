import Foundation

/// Writes every byte to an open file. Returns 0, or the system's error number.
package func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32 {
  var done = 0
  while done < bytes.count {
    let wrote = bytes.withUnsafeBytes { write(file, $0.baseAddress! + done, bytes.count - done) }
    if wrote < 0, errno == EINTR { continue }
    guard wrote >= 0 else { return errno }
    done += wrote
  }
  return 0
}
