import PenchantNN
import PenchantTape

// Which of two texts does a community prefer? Texts are 64 features; eight communities have tastes of their own.
var layout = ParameterLayout()
let encoder = MLP([64, 128, 16], activation: .gelu, named: "encoder", in: &layout)
let taste = Embedding(8, 16, named: "taste", in: &layout, initializer: .normal(deviation: 0.3))
let store = try ParameterStore(layout, seed: 7)

let tape = Tape()
let chosen = tape.input("chosen", [256, 64])
let rejected = tape.input("rejected", [256, 64])
let community = tape.ids("community", [256])
let utility = { (text: Tensor) in (encoder(text) * taste(community)).sumAlongRows() }
let loss = Loss.bradleyTerry(chosen: utility(chosen), rejected: utility(rejected))

let step = try TrainingStep(loss, optimizer: Optimizer(.adamW(0.003), for: store))
for number in 1...300 {
  let ids = (0..<256).map { _ in UInt32.random(in: 0..<8) }
  var pair = (0..<2).map { _ in (0..<256 * 64).map { _ in Float.random(in: -1...1) } }
  for row in 0..<256 {  // community c likes feature c
    let place = row * 64 + Int(ids[row])
    if pair[0][place] < pair[1][place] { (pair[0][place], pair[1][place]) = (pair[1][place], pair[0][place]) }
  }
  try step.set(chosen, to: pair[0])
  try step.set(rejected, to: pair[1])
  try step.set(community, to: ids)
  let outcome = try step.run()
  if number % 100 == 0 { print("step \(number)  loss \(outcome.loss)") }
}
