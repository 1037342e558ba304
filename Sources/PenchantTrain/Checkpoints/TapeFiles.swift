import PenchantData
import PenchantTape

/// Parameters and optimiser of a tape as the files of a checkpoint, `model.safetensors` and `optimizer.safetensors`.
public enum TapeFiles {
  public static func files(
    _ store: ParameterStore, _ optimizer: Optimizer, metadata: [String: String]
  ) throws -> [String: [UInt8]] {
    var model = SafeTensorsWriter(metadata: metadata)
    for parameter in store.parameters {
      try model.add(parameter.name, shape: parameter.shape.extents, store.copy(of: parameter))
    }
    let state = optimizer.state
    var moments = SafeTensorsWriter(metadata: ["step": String(state.step), "seed": String(state.seed)])
    try moments.add("first", shape: [state.first.count], state.first)
    try moments.add("second", shape: [state.second.count], state.second)
    if !state.average.isEmpty { try moments.add("average", shape: [state.average.count], state.average) }
    return ["model.safetensors": model.bytes(), "optimizer.safetensors": moments.bytes()]
  }

  /// - Throws: `CheckpointError` for a file that is not there, `DataError` for one that is not as it must be.
  public static func restore(_ files: [String: [UInt8]], into store: ParameterStore, _ optimizer: Optimizer)
    throws
  {
    guard let model = files["model.safetensors"], let moments = files["optimizer.safetensors"] else {
      throw CheckpointError("the checkpoint has no model.safetensors or no optimizer.safetensors")
    }
    let parameters = try SafeTensors(bytes: model, name: "model.safetensors")
    for parameter in store.parameters {
      try store.set(
        parameter,
        to: parameters.floats(parameter.name, shape: parameter.shape.extents.map(Optional.some), finite: true)
      )
    }
    let file = try SafeTensors(bytes: moments, name: "optimizer.safetensors")
    guard let step = file.metadata["step"].flatMap(UInt64.init),
      let seed = file.metadata["seed"].flatMap(UInt64.init)
    else {
      throw CheckpointError("optimizer.safetensors has no step or no seed")
    }
    var state = optimizer.state
    state.step = step
    state.seed = seed
    state.first = try file.floats("first", shape: [nil], finite: true)
    state.second = try file.floats("second", shape: [nil], finite: true)
    if !state.average.isEmpty { state.average = try file.floats("average", shape: [nil], finite: true) }
    try optimizer.restore(state)
  }
}
