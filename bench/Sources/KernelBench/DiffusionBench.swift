import PenchantKernels

extension BenchCase {
  static let diffusion = [
    // Latents of sixteen 64 × 64 images of four channels, one step of inversion; everything stays in L2.
    BenchCase(
      name: "ddim_inversion 16x4x64x64", work: Work(bytes: 12 * 16 * 4 * 64 * 64, level: .l2)
    ) {
      let count = 16 * 4 * 64 * 64
      let (x, noise, out) = (
        try Floats(normal: count), try Floats(normal: count, seed: 2), try Floats(zeros: count)
      )
      let from = try Buffer<Double>(16) { _ in 0.81 }
      let to = try Buffer<Double>(16) { _ in 0.79 }
      return {
        var moved = out.storage.mutableSpan
        try ddimMove(
          from: from.values.span, to: to.values.span, x.values.span, eps: noise.values.span, into: &moved)
      }
    }
  ]
}
