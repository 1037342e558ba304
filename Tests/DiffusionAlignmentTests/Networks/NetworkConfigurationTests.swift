import PenchantTrain
import Testing

@testable import DiffusionAlignment

@Suite struct NetworkConfigurationTests {
  private static func square(_ side: Int) -> SampleShape {
    SampleShape(height: side, width: side, channels: 1)
  }

  @Test(arguments: [
    (7, [16], [0]), (8, [16, 32], [1]), (9, [16], [0]), (24, [16, 32, 64], [2]), (28, [16, 32, 64], [2]),
    (31, [16], []), (64, [16, 32, 64, 64, 64], [4]),
  ])
  func levelsFollowTheSizeOfThePictures(_ side: Int, _ channels: [Int], _ attention: [Int]) throws {
    let sized = NetworkConfiguration().sized(for: Self.square(side))
    #expect(sized.channels == channels && sized.attention == attention)
    #expect(try sized.resolved(for: Self.square(side)) == .unet)
  }

  @Test func whatIsAskedForStays() {
    var asked = NetworkConfiguration()
    asked.channels = [8, 24]
    #expect(asked.sized(for: Self.square(28)) == asked)
    #expect(NetworkConfiguration().sized(for: .point(2)) == NetworkConfiguration())
  }

  @Test func aModelSaysItsLevels() throws {
    let model = try DiffusionModel(ModelConfiguration(), shape: Self.square(16))
    #expect(model.configuration.network.channels == [16, 32, 64])
    #expect(try model.copy().configuration == model.configuration)
  }

  @Test func attentionWithoutLevelsIsRefused() {
    var asked = NetworkConfiguration()
    asked.attention = [0]
    let error = #expect(throws: ConfigurationError.self) { try asked.validate() }
    #expect(error.map { "\($0)".contains("network.channels is") } == true, "\(String(describing: error))")
  }

  @Test func picturesThatAreNotSquareAreRefused() {
    let wide = SampleShape(height: 8, width: 12, channels: 1)
    let error = #expect(throws: ConfigurationError.self) {
      try DiffusionModel(ModelConfiguration(), shape: wide)
    }
    #expect(error.map { "\($0)".contains("must be square") } == true, "\(String(describing: error))")
  }
}
