import PenchantKernels

extension BenchCase {
  static let rank = [
    // The ten best of a million items by inner product, for 64 queries.
    BenchCase(
      name: "topk10 Q=64 N=1e6 d=128",
      work: Work(flops: 2 * 64 * 1e6 * 128, bytes: 1e6 * 128 * 4, level: .dram)
    ) {
      let items = try Floats(normal: 1_000_000 * 128)
      let queries = try Floats(normal: 64 * 128, seed: 2)
      let shape = RankingShape(queries: 64, items: 1_000_000, width: 128)
      return { _ = try topItems(10, shape, queries: queries.values.span, items: items.values.span) }
    }
  ]
}
