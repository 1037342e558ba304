import PenchantTape
import TapeSupport
import TestSupport
import Testing

/// What recording refuses, with its numbers.
struct PictureTests {
  @Test func shapesThatDoNotFitAreNamed() {
    let x: (Tape) -> Tensor = { $0.input("x", [2, 8, 6, 3]) }
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 3, 5])) }.contains("[4, 3, 3, 5]"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 2, 3])) }.contains("[4, 3, 2, 3]"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 9, 9, 3])) }.contains("padding 0"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 3, 3]), stride: 0) }.contains("stride 0"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 3, 3]), padding: -1) }.contains("padding -1"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 3, 3]), padding: .max) }.contains("padding"))
    #expect(
      refusal { x($0).conv2d($0.input("w", [4, 3, 3, 3]), bias: $0.input("b", [3])) }.contains("bias [3]"))
    #expect(refusal { x($0).conv2d($0.input("w", [4, 3, 3, 3]), adding: x($0)) }.contains("[2, 6, 4, 4]"))
    #expect(refusal { $0.input("x", [8, 6, 3]).conv2d($0.input("w", [4, 3, 3, 3])) }.contains("[8, 6, 3]"))
    #expect(refusal { x($0).groupNorm(groups: 2) }.contains("2 groups"))
    #expect(refusal { x($0).groupNorm(groups: 0) }.contains("0 groups"))
    #expect(refusal { x($0).groupNorm(groups: 3, film: $0.input("f", [2, 5])) }.contains("film [2, 5]"))
    #expect(refusal { x($0).groupNorm(groups: 3, epsilon: -1) }.contains("epsilon -1"))
    #expect(refusal { $0.input("x", [2, 7, 6, 3]).downsampled() }.contains("[2, 7, 6, 3]"))
    #expect(refusal { $0.input("x", [2, 7, 6]).upsampled() }.contains("[2, 7, 6]"))
    #expect(refusal { x($0).crossAttention(keys: x($0), values: x($0), heads: 1) }.contains("queries"))
    #expect(
      refusal {
        $0.input("q", [2, 7, 6]).crossAttention(
          keys: $0.input("k", [2, 3, 6]), values: $0.input("v", [2, 3, 6]), heads: 0)
      }
      .contains("0 heads"))
  }
}
