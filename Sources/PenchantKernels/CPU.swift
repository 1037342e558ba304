import CPenchant

/// What this processor offers, and which kernels run on it.
public enum CPU {
  /// The instruction set that kernels use: `x86-64-v4` (AVX-512), `x86-64-v3` (AVX2), or the base.
  public static var tier: String { String(cString: pn_tier_name(pn_cpu_tier())) }
  /// Processors that this process may run on.
  public static var count: Int { Int(pn_cpu_count()) }
  /// Name, version and core of the BLAS library below.
  public static var blas: String { String(cString: pn_blas_description()) }
}
