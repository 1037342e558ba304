import CPenchant

/// The allocator of everything that is not a Swift array.
public enum Memory {
  public typealias Allocate = @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer?
  public typealias Free = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void

  /// Replaces the allocator. `allocate` gives memory aligned to 64 bytes, or `nil`; `free` takes what it gave and what
  /// an earlier allocator gave, so both usually pass on to the default ones.
  ///
  /// Set it once, before other calls; it may be called from any thread.
  public static func setAllocator(
    allocate: @escaping Allocate, free: @escaping Free, context: UnsafeMutableRawPointer? = nil
  ) {
    var allocator = pn_allocator(alloc: allocate, free: free, context: context)
    pn_set_allocator(&allocator)
  }

  /// What is used when nothing is set: 64-byte alignment, huge pages for big blocks.
  public static func defaultAllocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    pn_default_alloc(nil, bytes)
  }
  public static func defaultFree(_ block: UnsafeMutableRawPointer?) { pn_default_free(nil, block) }
}
