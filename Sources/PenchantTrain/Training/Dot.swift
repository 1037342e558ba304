/// Four sums, then one: the order does not depend on anything but the length.
package func dot(_ x: [Double], _ y: [Double]) -> Double {
  x.withUnsafeBufferPointer { x in
    y.withUnsafeBufferPointer { y in
      var a = 0.0
      var b = 0.0
      var c = 0.0
      var d = 0.0
      let n = min(x.count, y.count)
      var i = 0
      while i &+ 4 <= n {
        a += x[i] * y[i]
        b += x[i &+ 1] * y[i &+ 1]
        c += x[i &+ 2] * y[i &+ 2]
        d += x[i &+ 3] * y[i &+ 3]
        i &+= 4
      }
      while i < n {
        a += x[i] * y[i]
        i &+= 1
      }
      return (a + b) + (c + d)
    }
  }
}
