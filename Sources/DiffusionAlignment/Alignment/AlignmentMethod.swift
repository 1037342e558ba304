/// How a model learns from pairs.
public enum AlignmentMethod: String, Sendable, Codable, CaseIterable {
  /// Latents found by inversion (Lu et al. 2025).
  case inpo
  /// Latents by adding noise, the same to both of a pair (Diffusion-DPO, Wallace et al. 2024).
  case dpo
  /// The same with noise of their own.
  case dpoIndependent = "dpo-independent"
  /// InPO with a second look at each hop, and logits scaled by how sure the preference is (SmPO, Lu et al. 2025).
  case smpo
  /// Denoising of the preferred samples alone.
  case sft
  /// Samples that are good or bad, each for itself (Diffusion-KTO, Li et al. 2024).
  case kto
  /// Without a reference (MaPO, Hong et al. 2024).
  case mapo
  /// Pairs of whole chains that the model draws itself (D3PO, Yang et al. 2024).
  case d3po
  /// Policy gradient on chains that the model draws itself (DDPO, Black et al. 2024).
  case ddpo

  /// Whether samples are led back to their noise by a network.
  var inverts: Bool { self == .inpo || self == .smpo }
  /// Whether the model draws what it learns from, and a reward judges it.
  public var isOnPolicy: Bool { self == .d3po || self == .ddpo }
  /// Whether a frozen copy is compared with.
  var hasReference: Bool {
    switch self {
    case .inpo, .dpo, .dpoIndependent, .smpo, .kto, .d3po: true
    case .sft, .mapo, .ddpo: false
    }
  }
}
