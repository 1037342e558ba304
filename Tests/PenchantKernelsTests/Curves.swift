import Foundation
import PenchantKernels

/// Activations in Double, from their definitions.
func curve(_ activation: Activation, _ x: Double) -> Double {
  switch activation {
  case .none: x
  case .relu: max(x, 0)
  case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
  case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  case .silu: x / (1 + exp(-x))
  case .tanh: tanh(x)
  case .sigmoid: 1 / (1 + exp(-x))
  }
}
