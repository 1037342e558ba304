/// Sizes that find mistakes: nothing, one, primes, tails around 8, 16 and 32 lanes, a block and its neighbours.
public enum Shapes {
  public static let sizes = [
    0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 129, 1000, 4095, 4096, 4097,
  ]

  /// `[n]`.
  public static let vectors = sizes.map { [$0] }

  /// `[rows, columns]`: rows and columns of every awkward kind, kept small in total.
  public static let matrices: [[Int]] = [
    [0, 5], [3, 0], [1, 1], [1, 2], [2, 1], [3, 3], [2, 7], [5, 8], [4, 9], [7, 15], [3, 16], [5, 17],
    [2, 19],
    [9, 31], [3, 33], [4, 63], [3, 64], [5, 65], [2, 96], [3, 127], [2, 129], [3, 384], [70, 65], [1, 4097],
    [2, 1000],
    [257, 16],
  ]
}
