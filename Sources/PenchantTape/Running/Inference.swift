import PenchantKernels

/// The forward part of a graph on a store: dropout rests, no gradients are made.
public final class Inference: Executing {
  public let executable: Executable
  private let state: Program.State

  /// Compiles what `outputs` need.
  ///
  /// - Throws: the first recording error; `TapeError.parameter` for parameters of another store;
  ///   `TapeError.program`,
  ///   `TapeError.memory`.
  public convenience init(_ outputs: [Tensor], on store: ParameterStore) throws(TapeError) {
    try self.init(outputs, on: store, options: CompileOptions())
  }

  package init(_ outputs: [Tensor], on store: ParameterStore, options: CompileOptions) throws(TapeError) {
    guard let tape = outputs.first?.tape else {
      throw .recording(operation: "Inference", detail: "no outputs were given")
    }
    executable = try Executable(Tape(copying: tape), store: store, kept: outputs.map(\.id), options: options)
    state = Program.State(parameters: store.values)
  }

  /// Runs the graph on the inputs that were set.
  public func run() throws(TapeError) { _ = try executable.run(Program.Step(), on: state) }
}
