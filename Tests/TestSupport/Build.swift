/// Whether this is a release build. Tests that train until something is learnt, or read large files, take minutes without
/// optimisation and run in release alone.
public let isOptimised: Bool = {
  #if DEBUG
    false
  #else
    true
  #endif
}()
