import CPNG

/// A record of libpng's simplified interface, which reports by return values and needs no long jumps.
///
/// libpng keeps its address between calls, so it has a place of its own.
struct PNGImage: ~Copyable {
  private let image: UnsafeMutablePointer<png_image>

  init() {
    image = .allocate(capacity: 1)
    image.initialize(to: png_image())
    image.pointee.version = png_uint_32(PNG_IMAGE_VERSION)
  }

  deinit {
    png_image_free(image)
    image.deallocate()
  }

  var width: Int { Int(image.pointee.width) }
  var height: Int { Int(image.pointee.height) }
  var isColour: Bool { image.pointee.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0 }
  /// What libpng said last.
  var message: String {
    withUnsafeBytes(of: &image.pointee.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// Reads the header. The bytes must stay where they are until `finishRead`.
  func beginRead(_ bytes: UnsafeRawBufferPointer) -> Bool {
    png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0
  }

  /// Decodes into rows of 8-bit sRGB samples, each pixel with its alpha behind it.
  func finishRead(rowBytes: Int, into output: inout [UInt8]) -> Bool {
    // Files of 16 bits that do not say their gamma are sRGB, as those of 8 bits are, and not linear.
    image.pointee.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
    image.pointee.format =
      png_uint_32(PNG_FORMAT_FLAG_ALPHA) | (isColour ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0)
    return png_image_finish_read(image, nil, &output, png_int_32(rowBytes), nil) != 0
  }

  /// The file of a grey or RGB picture; nil when libpng refuses.
  func write(height: Int, width: Int, isColour: Bool, _ bytes: [UInt8]) -> [UInt8]? {
    image.pointee.width = png_uint_32(width)
    image.pointee.height = png_uint_32(height)
    image.pointee.format = isColour ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0
    let rowBytes = png_int_32(width * (isColour ? 3 : 1))
    // The first call only measures.
    var size: png_alloc_size_t = 0
    guard png_image_write_to_memory(image, nil, &size, 0, bytes, rowBytes, nil) != 0 else { return nil }
    var file = [UInt8](repeating: 0, count: Int(size))
    guard png_image_write_to_memory(image, &file, &size, 0, bytes, rowBytes, nil) != 0 else { return nil }
    return Array(file.prefix(Int(size)))
  }
}
