import PenchantData
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct BradleyTerryTests {
}
